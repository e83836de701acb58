//! Kind `queue.queue`.

use crate::driver::{Driver, Row};
use crate::fifo::{Held, Limits, Refused};
use crate::retry::Retry;
use crate::{Codec, Delivery, Headers, Message};
use perilune_registry::{Code, Entry, EntryId, Field, Fields, KindSpec, Problem, Type};
use perilune_resource::{Opened, Opening, ResourceKind, in_proportion, kind};
use perilune_value::{Failure, Kind, Packed, Value};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "queue.queue",
        doc: "A queue of messages, delivered in order and again until they are acknowledged",
        fields: Fields::Known(&[
            Field {
                name: "driver",
                ty: Type::Entry(&["queue.driver.memory"]),
                required: true,
                doc: "where the messages are kept",
                ..FIELD
            },
            Field {
                name: "codec",
                ty: Type::OneOf(Codec::NAMES),
                default: "json/plain",
                doc: "the format of bodies",
                ..FIELD
            },
            Field {
                name: "queue_name",
                ty: Type::String,
                default: "the entry's name",
                doc: "the name at the driver; queues of one name share their messages",
                ..FIELD
            },
            Field {
                name: "driver_options",
                ty: Type::Object(&[Field {
                    name: "memory",
                    ty: Type::Object(MEMORY),
                    doc: "options of the memory driver",
                    ..FIELD
                }]),
                doc: "what only some drivers know",
                ..FIELD
            },
            Field {
                name: "dead_letter",
                ty: Type::Object(&[
                    Field {
                        name: "queue",
                        ty: Type::Entry(&["queue.queue"]),
                        required: true,
                        doc: "where messages go that failed too often",
                        ..FIELD
                    },
                    Field {
                        name: "max_attempts",
                        ty: Type::Integer { min: 1, max: 1_000_000 },
                        default: "5",
                        doc: "deliveries of a message before it goes there",
                        ..FIELD
                    },
                ]),
                default: "none: a message is delivered until it succeeds",
                doc: "what happens to messages that always fail",
                ..FIELD
            },
        ]),
        placeholders: true,
        check: Some(check),
        ..KindSpec::EMPTY
    },
    open,
};

const MEMORY: &[Field] = &[
    Field {
        name: "max_length",
        ty: Type::Integer { min: 1, max: 1_000_000 },
        default: "1000",
        doc: "messages that the queue holds, those in hand included",
        ..FIELD
    },
    Field {
        name: "max_bytes",
        ty: Type::Bytes { min: 1 << 10, max: 64 << 30 },
        default: "64MiB",
        doc: "bytes that they take",
        ..FIELD
    },
    Field {
        name: "retry_delay",
        ty: Type::Duration { max: DAY },
        default: "100ms",
        doc: "before a message that failed is delivered again; doubles each time",
        ..FIELD
    },
    Field {
        name: "max_retry_delay",
        ty: Type::Duration { max: DAY },
        default: "30s",
        doc: "the longest such delay",
        ..FIELD
    },
];

/// What the fields cannot say one by one.
fn check(entry: &Entry) -> Vec<Problem> {
    let target = entry.data().get("dead_letter").and_then(|dead| dead.get("queue")).and_then(Value::as_str);
    let target = target.and_then(|target| EntryId::relative(target, entry.id().namespace()).ok());
    if target.as_ref() != Some(entry.id()) {
        return Vec::new();
    }
    let message = "a queue cannot be its own dead-letter queue: what failed would come back for ever";
    vec![Problem::in_field(entry, "dead_letter.queue", Code::BAD_VALUE, message).help("name another queue")]
}

#[derive(Deserialize)]
struct Config {
    driver: String,
    codec: Option<String>,
    queue_name: Option<String>,
    #[serde(default)]
    driver_options: DriverOptions,
    dead_letter: Option<DeadLetterConfig>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DriverOptions {
    memory: Memory,
}

#[derive(Deserialize)]
#[serde(default)]
struct Memory {
    max_length: usize,
    #[serde(deserialize_with = "kind::bytes")]
    max_bytes: usize,
    #[serde(deserialize_with = "kind::duration")]
    retry_delay: Duration,
    #[serde(deserialize_with = "kind::duration")]
    max_retry_delay: Duration,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            max_length: 1_000,
            max_bytes: 64 << 20,
            retry_delay: Duration::from_millis(100),
            max_retry_delay: Duration::from_secs(30),
        }
    }
}

#[derive(Deserialize)]
struct DeadLetterConfig {
    queue: String,
    max_attempts: Option<u32>,
}

/// Tries before a message is given up where nobody says how many: enough to outlast a short failure of something it needs.
const MAX_ATTEMPTS: u32 = 5;

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let driver: Arc<Driver> = opening.resource(&config.driver)?;
    let codec = match config.codec.as_deref() {
        None => Codec::default(),
        Some(name) => {
            Codec::named(name).ok_or_else(|| Failure::invalid(format!("`{name}` is no codec of bodies")))?
        }
    };
    let name = config.queue_name.as_deref().unwrap_or(opening.id().name());
    let row = driver.declare(name, opening.id());
    let dead_letter = config.dead_letter.map(|dead| {
        let queue: Arc<Queue> = opening.resource(&dead.queue)?;
        if Arc::ptr_eq(&queue.row, &row) {
            let message = format!(
                "{} is another entry of this same queue, whose dead letters it cannot take",
                queue.id
            );
            return Err(Failure::invalid(message));
        }
        Ok(DeadLetter { queue, max_attempts: dead.max_attempts.unwrap_or(MAX_ATTEMPTS) })
    });
    let memory = config.driver_options.memory;
    Ok(Opened::resource(Arc::new(Queue {
        id: opening.id().to_string(),
        row,
        codec,
        limits: Limits { messages: memory.max_length, bytes: memory.max_bytes },
        retry: Retry { first: memory.retry_delay, longest: memory.max_retry_delay },
        dead_letter: dead_letter.transpose()?,
    })))
}

/// What an entry of kind `queue.queue` becomes.
pub struct Queue {
    id: String,
    row: Arc<Row>,
    codec: Codec,
    limits: Limits,
    retry: Retry,
    dead_letter: Option<DeadLetter>,
}

struct DeadLetter {
    queue: Arc<Queue>,
    max_attempts: u32,
}

/// What a queue is like at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Messages that are not settled: waiting, to be delivered again, or in hand.
    pub messages: usize,
    /// Consumers that run.
    pub consumers: usize,
    /// Whether it takes messages; false while it is full.
    pub ready: bool,
}

impl Queue {
    /// The id of its entry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is like now.
    pub fn info(&self) -> Info {
        let fifo = self.row.fifo();
        Info {
            messages: fifo.len(),
            consumers: self.row.consumers.load(Ordering::Relaxed),
            ready: !fifo.is_full(self.limits),
        }
    }

    /// Publishes a value; gives the message's id.
    ///
    /// # Errors
    ///
    /// `Invalid` for nothing, for what the codec cannot hold and for a message that the queue can never hold; `Unavailable`,
    /// and worth another try, while it is full.
    pub async fn publish(&self, value: Packed, headers: Headers) -> Result<String, Failure> {
        let codec = self.codec;
        let body = in_proportion(value.as_bytes().len(), move || {
            if is_nothing(&value) {
                return Err(Failure::invalid(
                    "there is nothing to publish: the data is nil or an empty table",
                ));
            }
            codec.encode(&value)
        });
        let message = Message::new(body.await?, codec, headers);
        let id = message.id.to_string();
        self.push(message)?;
        Ok(id)
    }

    fn push(&self, message: Message) -> Result<(), Failure> {
        let size = message.size();
        // A statement of its own: the row must be free again when those who wait are told.
        let pushed = self.row.fifo().push(Arc::new(message), self.limits);
        let Limits { messages, bytes } = self.limits;
        match pushed {
            Ok(()) => {
                self.row.changed.notify_one();
                Ok(())
            }
            Err(Refused::TooLarge) => Err(Failure::invalid(format!(
                "{}: a message of {size} bytes is larger than the queue: `driver_options.memory.max_bytes` is {bytes}",
                self.id
            ))),
            Err(Refused::Full) => {
                let message =
                    format!("{}: the queue is full: it holds {messages} messages or {bytes} bytes", self.id);
                Err(Failure::new(Kind::Unavailable, message)
                    .with_retryable(true)
                    .with_detail("limit", "messages"))
            }
        }
    }

    /// The next message, if one is ready.
    pub fn try_take(self: &Arc<Self>) -> Option<Delivery> {
        let held = self.row.fifo().pop(Instant::now())?;
        Some(Delivery::new(self.clone(), held))
    }

    /// Waits for the next message. Cancel-safe.
    pub async fn take(self: &Arc<Self>) -> Delivery {
        loop {
            // Made before looking: a message that comes after the look is noticed.
            let changed = self.row.changed.notified();
            if let Some(delivery) = self.try_take() {
                return delivery;
            }
            let due = self.row.fifo().next_due();
            match due {
                None => changed.await,
                Some(due) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(due) => {}
                },
            }
        }
    }

    /// Counts somebody as a consumer until the guard is dropped.
    pub(crate) fn attend(self: &Arc<Self>) -> Attendance {
        self.row.consumers.fetch_add(1, Ordering::Relaxed);
        Attendance(self.row.clone())
    }

    /// A message was dealt with.
    pub(crate) fn done(&self, held: &Held) {
        self.row.fifo().remove(held);
    }

    /// A message was tried, and failed for this reason.
    pub(crate) fn failed(&self, mut held: Held, reason: &str) {
        held.attempts = held.attempts.saturating_add(1);
        if let Some(dead) = self.dead_letter.as_ref().filter(|dead| held.attempts >= dead.max_attempts) {
            // There first and gone here then: a host that dies in between loses both, one that lives neither.
            match dead.queue.push(held.message.dead(&self.id, held.attempts, reason)) {
                Ok(()) => {
                    tracing::warn!(queue = %self.id, id = %held.message.id, attempts = held.attempts, reason, "a message goes to the dead letters");
                    return self.done(&held);
                }
                Err(failure) => {
                    tracing::warn!(queue = %self.id, id = %held.message.id, error = %failure.message, "a dead letter is kept: its queue does not take it");
                }
            }
        }
        self.put_back(held);
    }

    /// A message could not be tried.
    pub(crate) fn put_back(&self, mut held: Held) {
        held.returns = held.returns.saturating_add(1);
        let due = Instant::now() + self.retry.delay(held.returns);
        self.row.fifo().put_back(held, due);
        // All of them: whoever is told alone may stop before the message is due.
        self.row.changed.notify_waiters();
    }
}

/// A consumer that is counted.
pub(crate) struct Attendance(Arc<Row>);

impl Drop for Attendance {
    fn drop(&mut self) {
        let count: &AtomicUsize = &self.0.consumers;
        count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether a value is nil or an empty table.
fn is_nothing(value: &Packed) -> bool {
    /// A table's head at its longest: what is longer holds something.
    const HEAD: usize = 5;
    if value.as_bytes().len() > HEAD {
        return false;
    }
    match value.to_value() {
        Ok(Value::Nil) => true,
        Ok(Value::Array(items)) => items.is_empty(),
        Ok(Value::Map(fields)) => fields.is_empty(),
        _ => false,
    }
}
