//! Services: things that run by themselves once they are started.

use futures_util::future::BoxFuture;
use perilune_registry::{Field, Type};
use perilune_security::GROUP;
use perilune_value::{Failure, Value};
use serde::Deserialize;
use std::time::Duration;

/// A live thing that runs by itself.
pub trait Service: Send + Sync {
    /// Begins to run. Returns when it is ready, with the reason when it cannot be. [`Service::stop`] follows when it is not
    /// ready in time, or panics.
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>>;

    /// Where it can be reached once it has started, such as `http://127.0.0.1:8080`.
    fn address(&self) -> Option<String> {
        None
    }

    /// Ends: takes nothing new, lets what runs finish. The caller drops the future when it has waited long enough, and with
    /// that what still runs must end too.
    fn stop(&self) -> BoxFuture<'static, ()>;
}

/// Whether an application can go without a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Startup {
    /// The application does not start without it.
    #[default]
    Required,
    /// Its failure is logged.
    Optional,
}

/// The field `lifecycle` of a service's entry.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Lifecycle {
    /// Whether it starts with the application.
    pub auto_start: bool,
    /// Whether the application can go without it.
    pub startup: Startup,
    /// Entries that must run before.
    pub requires: Vec<String>,
    /// More of them, under another name.
    pub depends_on: Vec<String>,
    /// How long starting may take.
    #[serde(deserialize_with = "duration")]
    pub start_timeout: Duration,
    /// How long stopping may take.
    #[serde(deserialize_with = "duration")]
    pub stop_timeout: Duration,
    /// What it, and all that it calls, acts with: `{actor: {id, meta}, policies, groups}`.
    pub security: Option<Value>,
}

const TIMEOUT: Duration = Duration::from_secs(10);

impl Default for Lifecycle {
    fn default() -> Self {
        Lifecycle {
            auto_start: false,
            startup: Startup::Required,
            requires: Vec::new(),
            depends_on: Vec::new(),
            start_timeout: TIMEOUT,
            stop_timeout: TIMEOUT,
            security: None,
        }
    }
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    crate::kind::duration(deserializer)
}

const HOUR: Duration = Duration::from_secs(3600);
const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

/// The field `lifecycle`, for the description of a kind.
pub const LIFECYCLE: Field = Field {
    name: "lifecycle",
    ty: Type::Object(&[
        Field {
            name: "auto_start",
            ty: Type::Bool,
            default: "false",
            doc: "start with the application",
            ..FIELD
        },
        Field {
            name: "startup",
            ty: Type::OneOf(&["required", "optional"]),
            default: "required",
            doc: "whether the application fails to start without it",
            ..FIELD
        },
        Field {
            name: "requires",
            ty: Type::Entries(&[]),
            default: "none",
            doc: "entries that start before",
            ..FIELD
        },
        Field { name: "depends_on", ty: Type::Entries(&[]), doc: "another name for `requires`", ..FIELD },
        Field {
            name: "start_timeout",
            ty: Type::Duration { max: HOUR },
            default: "10s",
            doc: "how long starting may take",
            ..FIELD
        },
        Field {
            name: "stop_timeout",
            ty: Type::Duration { max: HOUR },
            default: "10s",
            doc: "how long what runs may take to finish",
            ..FIELD
        },
        Field {
            name: "stable_threshold",
            ty: Type::Duration { max: HOUR },
            default: "5s",
            doc: "uptime after which failures are forgotten",
            ..FIELD
        },
        Field { name: "restart", ty: Type::Object(RESTART), doc: "what happens after a failure", ..FIELD },
        Field { name: "security", ty: Type::Object(SECURITY), doc: "what the service acts with", ..FIELD },
    ]),
    default: "started by hand",
    doc: "when it starts and stops",
    ..FIELD
};

const RESTART: &[Field] = &[
    Field {
        name: "initial_delay",
        ty: Type::Duration { max: HOUR },
        default: "1s",
        doc: "before the first try",
        ..FIELD
    },
    Field {
        name: "max_delay",
        ty: Type::Duration { max: HOUR },
        default: "90s",
        doc: "before any try",
        ..FIELD
    },
    Field {
        name: "backoff_factor",
        ty: Type::Number { min: 1.0, max: 100.0 },
        default: "2.0",
        doc: "how much longer each delay is than the one before",
        ..FIELD
    },
    Field {
        name: "jitter",
        ty: Type::Number { min: 0.0, max: 1.0 },
        default: "0.1",
        doc: "part of a delay that is random",
        ..FIELD
    },
    Field {
        name: "max_attempts",
        ty: Type::Integer { min: 0, max: 1_000_000 },
        default: "0, no limit",
        doc: "tries before it is given up",
        ..FIELD
    },
];

const SECURITY: &[Field] = &[
    Field {
        name: "actor",
        ty: Type::Object(&[
            Field { name: "id", ty: Type::String, required: true, doc: "names the actor", ..FIELD },
            Field {
                name: "meta",
                ty: Type::Map,
                default: "empty",
                doc: "what policies may ask about it",
                ..FIELD
            },
        ]),
        required: true,
        doc: "on whose behalf it runs",
        ..FIELD
    },
    Field {
        name: "policies",
        ty: Type::Entries(&["security.policy", "security.policy.expr"]),
        default: "none",
        doc: "policies of its scope",
        ..FIELD
    },
    Field {
        name: "groups",
        ty: Type::Introduced(GROUP),
        default: "none",
        doc: "groups of policies of its scope",
        ..FIELD
    },
];
