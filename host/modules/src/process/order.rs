//! What is needed to start a process.

use super::check;
use crate::CallContext;
use crate::funcs::{duration_option, merge};
use crate::security::passed_on_for;
use perilune_cell::{CellState, Message, Pid};
use perilune_security::Authority;
use perilune_value::{Failure, Kind, Value, args_to_msgpack, check_args};
use std::time::Duration;

/// Messages that a process may be started with.
const MOST_MESSAGES: usize = 256;

/// Bytes of a context: the host keeps one for each process as long as that lives.
const LARGEST_CONTEXT: usize = 1 << 20;

/// A process that is to be started.
#[derive(Clone)]
pub struct Order {
    /// The id of its entry.
    pub entry: String,
    /// The id of its host.
    pub host: String,
    /// MessagePack, an array of values.
    pub args: Vec<u8>,
    /// Who starts it; none when it is a service.
    pub parent: Option<Pid>,
    /// Whether the two are linked.
    pub link: bool,
    /// Whether the one who starts it watches it.
    pub monitor: bool,
    /// The name that it gets. A process that has it already is given the messages, links and monitors instead.
    pub name: Option<String>,
    /// How it is started, all of it: hosts may know options of their own.
    pub options: Value,
    /// What is in its mailbox from the start.
    pub messages: Vec<Message>,
    /// How long whoever waits for its result does that; then it is ended. Nobody waits where there is none.
    pub timeout: Option<Duration>,
    /// What it reads through module `ctx`.
    pub context: Value,
    /// What it acts with.
    pub authority: Authority,
}

impl Order {
    /// A process of nobody's: neither started by another one nor known to it.
    pub fn new(entry: String, host: String, args: Vec<u8>, authority: Authority) -> Self {
        Order {
            entry,
            host,
            args,
            parent: None,
            link: false,
            monitor: false,
            name: None,
            options: Value::Map(Vec::new()),
            messages: Vec::new(),
            timeout: None,
            context: Value::Map(Vec::new()),
            authority,
        }
    }
}

/// The permission to start one, and to do so in a certain way.
pub(super) type Permission = (&'static str, bool);
pub(super) const SPAWN: Permission = ("process.spawn", true);
pub(super) const EXEC: Permission = ("process.exec", false);

pub(super) fn prepare(
    state: &CellState,
    context: &CallContext,
    entry: String,
    host: String,
    options: &[u8],
    args: Vec<u8>,
    (permission, has_ways): Permission,
) -> Result<Order, Failure> {
    check_args(&args).map_err(|error| Failure::invalid(error.to_string()))?;
    let options = Value::from_msgpack(options).map_err(|error| Failure::invalid(error.to_string()))?;
    let is_set = |name: &str| options.get(name) == Some(&Value::Bool(true));
    let (link, monitor) = (has_ways && is_set("link"), has_ways && is_set("monitor"));
    check(state, permission, &entry)?;
    if monitor {
        check(state, "process.spawn.monitored", &entry)?;
    }
    if link {
        check(state, "process.spawn.linked", &entry)?;
    }
    check(state, "process.host", &host)?;
    let added = options.get("context");
    if added.is_some() {
        check(state, "process.context", "context")?;
    }
    let name = options.get("name").and_then(Value::as_str).map(str::to_owned);
    if let Some(name) = &name {
        check(state, "process.registry.register", name)?;
    }
    let timeout = options.get("timeout").map(|limit| duration_option("timeout", limit)).transpose()?;
    if timeout.is_some() && has_ways {
        return Err(Failure::invalid(
            "option `timeout` is for `exec`: nobody waits for a process that is spawned",
        ));
    }
    let pid = &state.identity.pid;
    let messages = messages(options.get("messages"), pid)?;
    if let Some(name) = name.as_deref()
        && context.is_guarded()
        && let Ok(other) = context.host.processes.identify(name)
    {
        // Whoever has the name gets the messages, and is linked and monitored.
        let ways = [
            (!messages.is_empty(), "process.send"),
            (link, "process.link"),
            (monitor, "process.monitor"),
        ];
        for (_, action) in ways.into_iter().filter(|(is_wanted, _)| *is_wanted) {
            check(state, action, &other)?;
        }
    }
    let values = merge(&context.values, added);
    if added.is_some() && values.to_msgpack().len() > LARGEST_CONTEXT {
        let message = format!("the context of a process has {} KiB at the most", LARGEST_CONTEXT >> 10);
        return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "context"));
    }
    let (actor, scope) = (options.get("actor"), options.get("scope"));
    Ok(Order {
        entry,
        host,
        args,
        parent: Some(pid.clone()),
        link,
        monitor,
        name,
        messages,
        timeout,
        context: values,
        authority: passed_on_for("process.security", context, pid, actor, scope)?,
        options,
    })
}

fn messages(list: Option<&Value>, sender: &Pid) -> Result<Vec<Message>, Failure> {
    let Some(Value::Array(list)) = list else { return Ok(Vec::new()) };
    if list.len() > MOST_MESSAGES {
        let message = format!("a process is started with {MOST_MESSAGES} messages at the most, not {}", list.len());
        return Err(Failure::invalid(message));
    }
    list.iter().map(|described| message(described, sender)).collect()
}

/// A message as the builder described it: its values with their number, since the last may be nil.
fn message(described: &Value, sender: &Pid) -> Result<Message, Failure> {
    let malformed = || Failure::invalid("a message is described by a topic, values and their number");
    let topic = described.get("topic").and_then(Value::as_str).ok_or_else(malformed)?;
    let count = described.get("n").and_then(Value::as_integer).ok_or_else(malformed)?;
    if !(0..=250).contains(&count) {
        return Err(Failure::invalid("a message has at most 250 values"));
    }
    let value = |position: i64| match described.get("values") {
        Some(Value::Array(values)) => {
            usize::try_from(position - 1).ok().and_then(|index| values.get(index)).cloned().unwrap_or_default()
        }
        Some(Value::Map(values)) => {
            let found = values.iter().find(|(key, _)| *key == Value::Integer(position));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        }
        _ => Value::Nil,
    };
    let payloads: Vec<Value> = (1..=count).map(value).collect();
    Ok(Message { topic: topic.to_owned(), sender: sender.to_string(), payloads: args_to_msgpack(&payloads) })
}
