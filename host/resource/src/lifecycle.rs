//! The field `lifecycle`: when a service starts and stops.

use crate::supervision::restart::{self, Restart};
use perilune_registry::{Entry, Field, Type};
use perilune_security::GROUP;
use perilune_value::{Failure, Value, from_value};
use serde::Deserialize;
use std::time::Duration;

/// Whether an application can go without a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Startup {
    /// The application ends when it cannot start, or is given up later.
    #[default]
    Required,
    /// It is tried again while the application runs; that it is given up is logged.
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
    /// How long it must run for earlier failures to be forgotten.
    #[serde(deserialize_with = "duration")]
    pub stable_threshold: Duration,
    /// Whether it starts again after it ended.
    pub restart: Restart,
    /// What it, and all that it calls, acts with: `{actor: {id, meta}, policies, groups}`.
    pub security: Option<Value>,
}

const TIMEOUT: Duration = Duration::from_secs(10);
const STABLE: Duration = Duration::from_secs(5);

impl Default for Lifecycle {
    fn default() -> Self {
        Lifecycle {
            auto_start: false,
            startup: Startup::Required,
            requires: Vec::new(),
            depends_on: Vec::new(),
            start_timeout: TIMEOUT,
            stop_timeout: TIMEOUT,
            stable_threshold: STABLE,
            restart: Restart::default(),
            security: None,
        }
    }
}

impl Lifecycle {
    /// What an entry says.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no such field: placeholders have no meaning in it.
    pub(crate) fn of(entry: &Entry) -> Result<Self, Failure> {
        let Some(written) = entry.data().get("lifecycle") else { return Ok(Lifecycle::default()) };
        from_value(written.clone())
            .map_err(|error| Failure::invalid(format!("{}: field `lifecycle`: {error}", entry.id())))
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
            doc: "whether the application ends when it cannot start, or is given up later",
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
            doc: "how long what runs may take to finish before it is ended",
            ..FIELD
        },
        Field {
            name: "stable_threshold",
            ty: Type::Duration { max: HOUR },
            default: "5s",
            doc: "how long it must run for earlier failures to be forgotten",
            ..FIELD
        },
        Field {
            name: "restart",
            ty: Type::Object(restart::FIELDS),
            doc: "what happens after it ended by itself",
            ..FIELD
        },
        Field { name: "security", ty: Type::Object(SECURITY), doc: "what the service acts with", ..FIELD },
    ]),
    default: "started by hand",
    doc: "when it starts and stops",
    ..FIELD
};

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
