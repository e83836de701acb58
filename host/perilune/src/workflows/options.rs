//! Options of starts, activities and children, as scripts write them: `workflow.id` or `temporal.workflow.id`, and
//! `activity.start_to_close_timeout`.
//!
//! Times are texts such as `1m30s`, or numbers of milliseconds.

use super::recorder::named;
use perilune_modules::funcs::duration_option;
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    ActivityOptions, CancellationType, ChildOptions, ConflictPolicy, ParentClosePolicy, RetryPolicy,
    ReusePolicy, StartOptions,
};

/// Options that spawners know themselves.
const OF_SPAWNERS: &[&str] =
    &["link", "monitor", "context", "actor", "scope", "name", "messages", "timeout", "network"];

fn word(name: &str, value: &Value) -> Result<String, Failure> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| wrong(name, "a text that is not empty", value))
}

fn flag(name: &str, value: &Value) -> Result<bool, Failure> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        other => Err(wrong(name, "a boolean", other)),
    }
}

fn wrong(name: &str, expected: &str, value: &Value) -> Failure {
    let found = match value {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        other => format!("a {}", other.type_name()),
    };
    Failure::invalid(format!("option `{name}` is {expected}, not {found}"))
}

fn one_of<T: Copy>(name: &str, value: &Value, choices: &[(&str, T)]) -> Result<T, Failure> {
    let chosen = value.as_str().and_then(|text| choices.iter().find(|(word, _)| *word == text));
    chosen.map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        Failure::invalid(format!("option `{name}` is one of {}", words.join(", ")))
    })
}

fn unknown(name: &str) -> Failure {
    Failure::invalid(format!("option `{name}` is not known"))
}

/// The options of some prefixes, by their short names; others are passed over. Of two that mean the same the last prefix wins.
fn fields<'a>(
    options: &'a Value,
    prefixes: &'a [&str],
) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
    let fields: &[(Value, Value)] = match options {
        Value::Map(fields) => fields,
        _ => &[],
    };
    prefixes.iter().flat_map(move |prefix| {
        fields.iter().filter_map(move |(name, value)| {
            let name = name.as_str()?;
            Some((name, name.strip_prefix(prefix)?, value))
        })
    })
}

/// How a workflow or a child is started.
///
/// # Errors
///
/// `Invalid`, naming the option.
pub(super) fn child(options: &Value) -> Result<ChildOptions, Failure> {
    let mut child = ChildOptions::default();
    let mut conflict = None;
    for (name, short, value) in fields(options, &["temporal.workflow.", "workflow."]) {
        let start = &mut child.start;
        match short {
            "id" => start.id = Some(word(name, value)?),
            "execution_timeout" => start.execution_timeout = Some(duration_option(name, value)?),
            "run_timeout" => start.run_timeout = Some(duration_option(name, value)?),
            "task_timeout" => start.task_timeout = Some(duration_option(name, value)?),
            "start_delay" => start.start_delay = Some(duration_option(name, value)?),
            "task_queue" => start.queue = Some(word(name, value)?),
            "cron_schedule" => start.cron = Some(word(name, value)?),
            "retry_policy" => start.retry = Some(retry(name, value)?),
            "memo" => start.memo = named(value.clone())?,
            "search_attributes" => start.search_attributes = named(value.clone())?,
            "id_conflict_policy" => {
                conflict = Some(one_of(
                    name,
                    value,
                    &[
                        ("fail", ConflictPolicy::Fail),
                        ("use_existing", ConflictPolicy::UseExisting),
                        ("terminate_existing", ConflictPolicy::TerminateExisting),
                    ],
                )?);
            }
            "id_reuse_policy" => {
                start.reuse = one_of(
                    name,
                    value,
                    &[
                        ("allow_duplicate", ReusePolicy::AllowDuplicate),
                        ("allow_duplicate_failed_only", ReusePolicy::AllowDuplicateFailedOnly),
                        ("reject_duplicate", ReusePolicy::RejectDuplicate),
                    ],
                )?;
            }
            "execution_error_when_already_started" => {
                if flag(name, value)? {
                    conflict = Some(ConflictPolicy::Fail);
                }
            }
            "parent_close_policy" => {
                child.parent_close = one_of(
                    name,
                    value,
                    &[
                        ("terminate", ParentClosePolicy::Terminate),
                        ("abandon", ParentClosePolicy::Abandon),
                        ("request_cancel", ParentClosePolicy::RequestCancel),
                    ],
                )?;
            }
            // They say where a server puts the work, or what it shows.
            "namespace"
            | "summary"
            | "details"
            | "priority"
            | "enable_eager_start"
            | "wait_for_cancellation"
            | "versioning_override"
            | "versioning_intent" => {}
            _ => return Err(unknown(name)),
        }
    }
    if let Some(name) = options.get("name").and_then(Value::as_str) {
        child.start.id.get_or_insert_with(|| name.to_owned());
    }
    // Whoever names a workflow means that one; who does not wants a new one.
    let by_default = match &child.start.id {
        Some(_) => ConflictPolicy::UseExisting,
        None => ConflictPolicy::Fail,
    };
    child.start.conflict = conflict.unwrap_or(by_default);
    Ok(child)
}

/// How a workflow is started from outside.
///
/// # Errors
///
/// `Invalid`, naming the option.
pub(super) fn start(options: &Value) -> Result<StartOptions, Failure> {
    Ok(child(options)?.start)
}

/// How an activity is run, and how it is named.
///
/// # Errors
///
/// `Invalid`, naming the option.
pub(super) fn activity(options: &Value) -> Result<(ActivityOptions, Option<String>), Failure> {
    let (mut activity, mut id, mut has_close) = (ActivityOptions::default(), None, false);
    for (name, short, value) in fields(options, &["temporal.activity.", "activity."]) {
        match short {
            "id" => id = Some(word(name, value)?),
            "start_to_close_timeout" => {
                activity.start_to_close = Some(duration_option(name, value)?);
                has_close = true;
            }
            "schedule_to_close_timeout" => {
                activity.schedule_to_close = Some(duration_option(name, value)?);
            }
            "schedule_to_start_timeout" => {
                activity.schedule_to_start = Some(duration_option(name, value)?);
            }
            "heartbeat_timeout" => activity.heartbeat = Some(duration_option(name, value)?),
            "retry_policy" => activity.retry = retry(name, value)?,
            "wait_for_cancellation" => {
                if flag(name, value)? {
                    activity.cancellation = CancellationType::WaitCancellationCompleted;
                }
            }
            "task_queue" => activity.queue = Some(word(name, value)?),
            "disable_eager_execution" | "summary" | "priority" | "versioning_intent" => {}
            _ => return Err(unknown(name)),
        }
    }
    // The option of every call.
    if let Some(limit) = options.get("timeout").filter(|_| !has_close) {
        activity.start_to_close = Some(duration_option("timeout", limit)?);
    }
    Ok((activity, id))
}

fn retry(name: &str, value: &Value) -> Result<RetryPolicy, Failure> {
    let Value::Map(fields) = value else { return Err(wrong(name, "a table", value)) };
    let mut policy = RetryPolicy::default();
    for (field, value) in fields {
        let field = field.as_str().unwrap_or_default();
        let full = format!("{name}.{field}");
        match field {
            "initial_interval" => policy.initial_interval = duration_option(&full, value)?,
            "maximum_interval" => policy.maximum_interval = Some(duration_option(&full, value)?),
            "backoff_coefficient" => {
                let number = value.as_float().filter(|number| (1.0..=1e6).contains(number));
                policy.backoff_coefficient =
                    number.ok_or_else(|| wrong(&full, "a number of at least 1", value))?;
            }
            "maximum_attempts" => {
                let count = value.as_integer().and_then(|count| u32::try_from(count).ok());
                policy.maximum_attempts = count.ok_or_else(|| wrong(&full, "0 or a count", value))?;
            }
            "non_retryable_error_types" => {
                let Value::Array(kinds) = value else { return Err(wrong(&full, "a list of kinds", value)) };
                let kind = |value: &Value| {
                    value.as_str().map(Kind::from).ok_or_else(|| wrong(&full, "a list of kinds", value))
                };
                policy.non_retryable_kinds = kinds.iter().map(kind).collect::<Result<_, _>>()?;
            }
            _ => return Err(unknown(&full)),
        }
    }
    Ok(policy)
}

/// Options that neither spawners nor workflows know.
///
/// # Errors
///
/// `Invalid`, naming the first.
pub(super) fn check_spawn(options: &Value) -> Result<(), Failure> {
    let Value::Map(fields) = options else { return Ok(()) };
    for (name, _) in fields {
        let name = name.as_str().unwrap_or_default();
        let is_known = OF_SPAWNERS.contains(&name)
            || name.starts_with("workflow.")
            || name.starts_with("temporal.workflow.");
        if !is_known {
            return Err(unknown(name));
        }
    }
    Ok(())
}
