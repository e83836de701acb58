//! One run, as text: facts, then its history.

use crate::control::table::Table;
use crate::control::text::{shown, size, time};
use perilune::workflow::{Event, Fields, PendingActivity, Timestamp};
use perilune_control::workflow::Shown;
use serde_json::Value;

/// The longest text of an event's details. The whole is in `--json`.
const LONGEST: usize = 100;

/// What is shown of an event, in this order. All else is in `--json`.
const DETAILS: &[&str] = &[
    "seq",
    "activity_type",
    "workflow_type",
    "name",
    "change_id",
    "version",
    "update_id",
    "code",
    "attempt",
    "after",
    "workflow_id",
    "target",
    "signal",
    "args",
    "result",
    "value",
    "outcome",
    "failure",
    "last_failure",
    "details",
    "reason",
    "next_run_id",
    "timeout",
];

pub(super) fn render(run: &Shown, color: bool) -> String {
    let mut lines: Vec<String> =
        facts(run).into_iter().map(|(name, fact)| format!("{name:10}  {}", shown(&fact))).collect();
    let mut table = Table::new(["EVENT", "AFTER", "WHAT", "DETAILS", "LINE"]);
    let began = run.events.first().map_or(run.description.summary.started_at, |event| event.at);
    for event in &run.events {
        table.add(line(event, began));
    }
    lines.push(String::new());
    lines.push(table.render(color));
    lines.join("\n")
}

fn facts(run: &Shown) -> Vec<(&'static str, String)> {
    let (description, summary) = (&run.description, &run.description.summary);
    let mut facts = vec![
        ("id", summary.workflow_id.clone()),
        ("run", summary.run_id.clone()),
        ("type", summary.workflow_type.clone()),
        ("host", run.host.clone()),
        ("status", summary.status.as_str().to_owned()),
        ("started", moment(summary.started_at)),
    ];
    if let Some(closed) = summary.closed_at {
        let took = u64::try_from(closed.since(summary.started_at).as_millis()).unwrap_or(u64::MAX);
        facts.push(("closed", format!("{}, after {}", moment(closed), time(took))));
    }
    let bytes = usize::try_from(summary.history_bytes).unwrap_or(usize::MAX);
    facts.push(("history", format!("{} events, {}", summary.history_length, size(bytes))));
    facts.extend(named("memo", &summary.memo));
    facts.extend(named("attributes", &summary.search_attributes));
    facts.extend(description.next_run_id.clone().map(|next| ("next run", next)));
    facts.extend(description.activities.iter().map(|activity| ("waits for", waiting(activity))));
    if description.timers > 0 {
        facts.push(("timers", description.timers.to_string()));
    }
    if description.children > 0 {
        facts.push(("children", description.children.to_string()));
    }
    if let Some(trouble) = &description.trouble {
        facts.push(("trouble", format!("[{}] {}", trouble.code, trouble.failure)));
        let (attempts, next) = (trouble.attempts, moment(trouble.next_attempt_at));
        let way_out = "change the code, or `perilune workflow terminate` the run";
        facts.push(("", format!("{attempts} attempts, the next at {next}; {way_out}")));
    }
    facts
}

fn named(name: &'static str, fields: &Fields) -> Option<(&'static str, String)> {
    let text = |(name, value): (&String, &perilune::Value)| {
        let value = perilune::json::encode(value).unwrap_or_else(|_| "?".to_owned());
        format!("{name}={value}")
    };
    let texts: Vec<_> = fields.iter().map(text).collect();
    (!texts.is_empty()).then(|| (name, texts.join(" ")))
}

fn waiting(activity: &PendingActivity) -> String {
    let mut text =
        format!("{} {}, attempt {}", activity.activity_id, activity.activity_type, activity.attempt);
    if let Some(next) = activity.next_attempt_at {
        text.push_str(&format!(" at {}", moment(next)));
    }
    if let Some(failure) = &activity.last_failure {
        text.push_str(&format!(", after: {failure}"));
    }
    text
}

fn line(event: &Event, began: Timestamp) -> [String; 5] {
    let after = u64::try_from(event.at.since(began).as_millis()).unwrap_or(u64::MAX);
    [
        event.id.to_string(),
        time(after),
        event.kind.name().to_owned(),
        shown(&details(event)),
        shown(event.position.as_deref().unwrap_or_default()),
    ]
}

/// What an event says, its parts by name.
fn details(event: &Event) -> String {
    let Ok(Value::Object(kind)) = serde_json::to_value(&event.kind) else { return String::new() };
    let Some(Value::Object(parts)) = kind.into_iter().next().map(|(_, parts)| parts) else {
        return String::new();
    };
    // A marker is one of several things.
    let parts = match parts.values().next() {
        Some(Value::Object(inner)) if parts.len() == 1 => inner.clone(),
        _ => parts,
    };
    let text = |name: &&str| Some(format!("{name}={}", plain(parts.get(*name)?)?));
    let text = DETAILS.iter().filter_map(text).collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A part as text; none where there is nothing to say.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            // A span of time, and what JSON cannot say.
            if let (Some(secs), Some(nanos)) = (fields.get("secs"), fields.get("nanos")) {
                let seconds = secs.as_u64().unwrap_or_default() * 1_000;
                return Some(time(seconds + nanos.as_u64().unwrap_or_default() / 1_000_000));
            }
            match fields.get("shown").filter(|_| fields.contains_key("$msgpack")) {
                Some(shown) => plain(shown),
                None => Some(value.to_string()),
            }
        }
        other => Some(other.to_string()),
    }
}

/// A moment in UTC, to the millisecond.
pub(super) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(at.0.into())
        .map_or_else(|_| "-".to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
