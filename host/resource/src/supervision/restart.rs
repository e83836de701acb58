//! Whether a service that ended by itself starts again, and when.
//!
//! | it | `never` | `on_failure` | `always` |
//! |---|---|---|---|
//! | exited | exited | exited | again |
//! | failed | failed | again | again |
//! | could not start, and never will | failed | failed | failed |
//!
//! *Again* comes after `initial_delay · backoff_factor^(n−1)`, at most `max_delay`, give or take the `jitter`; n counts its ends
//! in a row. Having run for `stable_threshold` begins a new row. The end that makes the row `max_attempts` long is the last: the
//! service has failed.

use crate::Ended;
use perilune_registry::{Field, Type};
use serde::Deserialize;
use std::time::Duration;

/// After which ends a service starts again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// After a failure. Erlang calls such a child transient.
    #[default]
    OnFailure,
    /// After every end. Erlang calls such a child permanent.
    Always,
    /// After none. Erlang calls such a child temporary.
    Never,
}

/// The field `lifecycle.restart`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Restart {
    /// After which ends.
    pub policy: Policy,
    /// The delay after the first end in a row.
    #[serde(deserialize_with = "crate::kind::duration")]
    pub initial_delay: Duration,
    /// The longest delay, without its jitter.
    #[serde(deserialize_with = "crate::kind::duration")]
    pub max_delay: Duration,
    /// What each delay is multiplied with for the next.
    pub backoff_factor: f64,
    /// The part of a delay that it may be longer or shorter.
    pub jitter: f64,
    /// Starts in a row; 0 for any number. Without it any number as well, and yet none to wait for what somebody else has.
    pub max_attempts: Option<u32>,
}

impl Default for Restart {
    fn default() -> Self {
        Restart {
            policy: Policy::OnFailure,
            initial_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(90),
            backoff_factor: 2.0,
            jitter: 0.1,
            max_attempts: None,
        }
    }
}

/// How a service came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has done its work.
    Exited,
    /// It could not go on, or could not start.
    Failed,
    /// It could not start, and trying again would not help.
    Unstartable,
}

impl From<&Ended> for End {
    fn from(ended: &Ended) -> Self {
        match ended {
            Ended::Exited => End::Exited,
            Ended::Failed(_) => End::Failed,
        }
    }
}

impl Policy {
    /// Whether a service starts again after such an end.
    pub fn restarts(self, end: End) -> bool {
        match (self, end) {
            (_, End::Unstartable) | (Policy::Never, _) | (Policy::OnFailure, End::Exited) => false,
            (Policy::Always, _) | (Policy::OnFailure, End::Failed) => true,
        }
    }
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It starts again.
    Again {
        /// How long from now.
        after: Duration,
    },
    /// It has done its work.
    Exited,
    /// It is given up.
    Failed,
}

/// The ends of a service in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many.
    pub ends: u32,
}

impl Attempts {
    /// One that ran for long enough begins a new row with its end.
    pub fn was_stable(&mut self) {
        self.ends = 0;
    }

    /// Counts an end. `luck`, from -1 to 1, chooses within the jitter.
    pub fn after(&mut self, end: End, restart: &Restart, luck: f64) -> Next {
        let restarts = restart.policy.restarts(end);
        if end == End::Exited && !restarts {
            return Next::Exited;
        }
        self.ends = self.ends.saturating_add(1);
        let most = restart.max_attempts.unwrap_or(0);
        let is_last = most != 0 && self.ends >= most;
        match restarts && !is_last {
            true => Next::Again { after: restart.delay(self.ends, luck) },
            false => Next::Failed,
        }
    }
}

impl Restart {
    /// How long to wait after the n-th end in a row.
    pub fn delay(&self, n: u32, luck: f64) -> Duration {
        let growth = self.backoff_factor.powi(i32::try_from(n.saturating_sub(1)).unwrap_or(i32::MAX));
        // A growth without bounds is infinite, which is more than any limit.
        let seconds = (self.initial_delay.as_secs_f64() * growth).min(self.max_delay.as_secs_f64());
        Duration::try_from_secs_f64(seconds * (1.0 + self.jitter * luck)).unwrap_or(self.max_delay)
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

/// The fields of `lifecycle.restart`.
pub(crate) const FIELDS: &[Field] = &[
    Field {
        name: "policy",
        ty: Type::OneOf(&["on_failure", "always", "never"]),
        default: "on_failure",
        doc: "after which ends it starts again; a returned error is a failure",
        ..FIELD
    },
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
        doc: "the part of a delay that it may be longer or shorter, by chance",
        ..FIELD
    },
    Field {
        name: "max_attempts",
        ty: Type::Integer { min: 0, max: 1_000_000 },
        default: "0, no limit",
        doc: "starts in a row, the first one included, before it is given up; unless it is written, a required service that finds its address taken when the application starts is given up at once",
        ..FIELD
    },
];
