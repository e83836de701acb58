//! What the header of a handler says.

use super::Words;
use perilune_registry::parse_duration;
use perilune_value::{Failure, Value, json};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How often the process hears of a client, and the client of the server.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// More often it would be work without a use; a longer time is none that a connection sees.
const TIMES: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(30 * 24 * 3600);

/// Bytes of a text that names a pid or a topic.
const MOST_NAME: usize = 1024;

/// Whom a client talks to, and how.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Terms {
    /// The pid of the process.
    pub(super) target: Option<String>,
    /// The topic of what the client sends.
    pub(super) topic: String,
    pub(super) heartbeat: Duration,
    /// How long nothing may be sent to the client.
    pub(super) idle: Option<Duration>,
    /// How long the connection may last.
    pub(super) hard: Option<Duration>,
    pub(super) metadata: Value,
}

impl Terms {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// `Invalid` with the field.
    pub(super) fn read(words: &Words, header: &[u8]) -> Result<Terms, Failure> {
        let fields = json::decode(header).map_err(|failure| wrong(words, &failure.message))?;
        let none = Terms {
            target: None,
            topic: words.topic.to_owned(),
            heartbeat: HEARTBEAT,
            idle: None,
            hard: None,
            metadata: Value::Map(Vec::new()),
        };
        let terms = none.changed(words, &fields)?;
        if terms.target.is_none() && !words.may_be_detached {
            return Err(wrong(words, "`target_pid` is missing"));
        }
        Ok(terms)
    }

    /// The terms with what a map of fields says in their place.
    ///
    /// # Errors
    ///
    /// `Invalid` with the field.
    pub(super) fn changed(&self, words: &Words, fields: &Value) -> Result<Terms, Failure> {
        let fields = match fields {
            Value::Map(fields) => fields.as_slice(),
            // An empty table of Lua.
            Value::Array(items) if items.is_empty() => &[],
            _ => return Err(wrong(words, "it is no object")),
        };
        let mut terms = self.clone();
        for (name, value) in fields {
            let name = name.as_str().unwrap_or_default();
            let text = || {
                let text = value.as_str().filter(|text| !text.is_empty() && text.len() <= MOST_NAME);
                text.map(str::to_owned).ok_or_else(|| wrong(words, &format!("`{name}` is no text")))
            };
            let time = || {
                let time = value.as_str().and_then(parse_duration).filter(|time| TIMES.contains(time));
                time.ok_or_else(|| {
                    wrong(words, &format!("`{name}` is no duration from 100ms to 720h, such as `30s`"))
                })
            };
            match name {
                "target_pid" => terms.target = Some(text()?),
                "message_topic" => terms.topic = text()?,
                "heartbeat_interval" => terms.heartbeat = time()?,
                "idle_timeout" => terms.idle = Some(time()?),
                "hard_timeout" => terms.hard = Some(time()?),
                "metadata" => terms.metadata = value.clone(),
                other => return Err(wrong(words, &format!("there is no field `{other}`"))),
            }
        }
        if terms.topic.starts_with('@') {
            return Err(wrong(words, "`message_topic` begins with `@`, as no topic of a message does"));
        }
        Ok(terms)
    }
}

fn wrong(words: &Words, what: &str) -> Failure {
    Failure::invalid(format!("{}: {what}", words.header))
}
