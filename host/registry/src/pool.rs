//! The block `pool:` of an entry: its fields, typed, and what they must agree on.

use crate::code::Code;
use crate::entry::Entry;
use crate::problem::Problem;
use crate::units;
use perilune_value::Value;
use std::time::Duration;

/// The most workers a pool may ask for: as many as a host has cells. More could never exist at once.
pub(crate) const MAX_WORKERS: i64 = 10_000;

/// The longest queue a pool may ask for: what waits takes about 1 KiB, so a full one takes a gigabyte.
pub(crate) const MAX_BUFFER: i64 = 1_000_000;

/// The words of `pool.type`.
pub(crate) const TYPES: &[&str] = &["inline", "lazy", "static", "adaptive"];

/// How the workers of a pool come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolType {
    /// The caller runs the call on one worker that keeps its state.
    Inline,
    /// No workers while idle.
    Lazy,
    /// A fixed number of workers.
    Static,
    /// Grows under load, shrinks when idle.
    #[default]
    Adaptive,
}

impl PoolType {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            PoolType::Inline => "inline",
            PoolType::Lazy => "lazy",
            PoolType::Static => "static",
            PoolType::Adaptive => "adaptive",
        }
    }
}

/// The block `pool:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSpec {
    /// `type`, default adaptive.
    pub kind: PoolType,
    /// `size`, or its other name `workers`; `None` for the default of the type.
    pub size: Option<u32>,
    /// Calls that may wait; `None` for 64 per worker.
    pub buffer: Option<u32>,
    /// Whether to load the entry and to make its workers at start.
    pub warm_start: bool,
    /// Most workers of an elastic pool.
    pub max_size: u32,
    /// How long a worker of an elastic pool may be idle; `None` for the default.
    pub idle_timeout: Option<Duration>,
}

impl PoolSpec {
    /// Most workers when the entry does not say.
    pub const MAX_SIZE: u32 = 16;

    /// Reads the block of an entry's data that a registry has checked.
    pub(crate) fn decode(data: &Value) -> Self {
        let Some(pool) = data.get("pool") else { return Self::default() };
        let number =
            |name: &str| pool.get(name).and_then(Value::as_integer).and_then(|n| u32::try_from(n).ok());
        PoolSpec {
            kind: match pool.get("type").and_then(Value::as_str) {
                Some("inline") => PoolType::Inline,
                Some("lazy") => PoolType::Lazy,
                Some("static") => PoolType::Static,
                _ => PoolType::Adaptive,
            },
            size: number("size").or_else(|| number("workers")),
            buffer: number("buffer"),
            warm_start: matches!(pool.get("warm_start"), Some(Value::Bool(true))),
            max_size: number("max_size").unwrap_or(Self::MAX_SIZE),
            idle_timeout: pool.get("idle_timeout").and_then(Value::as_str).and_then(units::duration),
        }
    }
}

impl Default for PoolSpec {
    fn default() -> Self {
        PoolSpec {
            kind: PoolType::default(),
            size: None,
            buffer: None,
            warm_start: false,
            max_size: Self::MAX_SIZE,
            idle_timeout: None,
        }
    }
}

/// A field that some types do not have: which, why, and what to do.
const ABSENT: &[(PoolType, &str, &str, &str)] = &[
    (
        PoolType::Inline,
        "buffer",
        "its callers run the calls themselves",
        "only static and adaptive pools have it",
    ),
    (PoolType::Lazy, "buffer", "its queue goes with `max_size`", "only static and adaptive pools have it"),
    (PoolType::Inline, "max_size", "it keeps one worker", "only lazy and adaptive pools have it"),
    (
        PoolType::Static,
        "max_size",
        "it never grows beyond `size`",
        "set `size`; only lazy and adaptive pools have `max_size`",
    ),
    (
        PoolType::Inline,
        "idle_timeout",
        "it keeps its worker, and the state in it",
        "only lazy and adaptive pools have it",
    ),
    (PoolType::Static, "idle_timeout", "its workers never leave", "only lazy and adaptive pools have it"),
];

/// What the fields of `pool` must agree on; each is right by itself.
pub(crate) fn check(entry: &Entry) -> Vec<Problem> {
    let Some(pool) = entry.data.get("pool") else { return Vec::new() };
    let spec = PoolSpec::decode(&entry.data);
    let kind = spec.kind.as_str();
    let mut problems = Vec::new();
    let mut problem = |field: &str, message: String, help: &str| {
        let field = format!("pool.{field}");
        problems.push(Problem::in_field(entry, field.as_str(), Code::BAD_VALUE, message).help(help));
    };
    let number = |name: &str| pool.get(name).and_then(Value::as_integer);
    let size = number("size").map(|size| ("size", size));
    let workers = number("workers").map(|workers| ("workers", workers));
    if let (Some((_, size)), Some((_, workers))) = (size, workers)
        && size != workers
    {
        let message =
            format!("`workers` is another name for `size`, but one is {workers} and the other {size}");
        problem("workers", message, "remove one of the two");
    }
    if let Some((field, size)) = size.or(workers) {
        let (least, most) = match spec.kind {
            PoolType::Inline => (1, 1),
            PoolType::Static => (1, MAX_WORKERS),
            PoolType::Lazy => (0, i64::from(spec.max_size)),
            PoolType::Adaptive => (1, i64::from(spec.max_size)),
        };
        if size > most && spec.kind == PoolType::Inline {
            let message = format!("an inline pool keeps one worker, not {size}");
            problem(field, message, "write 1, or choose another `type`");
        } else if size > most {
            let message = format!("the pool would begin with {size} workers and may have {most} at most");
            let help = format!("write an integer from {least} to {most}, or raise `max_size`");
            problem(field, message, &help);
        } else if size < least {
            let article = if kind == "static" { "a" } else { "an" };
            let message = format!("{article} {kind} pool needs at least {least} worker, not {size}");
            let help = if least == most {
                "write 1".to_owned()
            } else {
                format!("write an integer from {least} to {most}")
            };
            problem(field, message, &help);
        }
    }
    for (_, field, why, help) in ABSENT.iter().filter(|(kind, ..)| *kind == spec.kind) {
        if pool.get(field).is_some() {
            let article = if kind == "inline" { "an" } else { "a" };
            problem(field, format!("{article} {kind} pool has no `{field}`: {why}"), help);
        }
    }
    problems
}
