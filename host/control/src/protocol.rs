//! What is asked and answered.

use crate::workflow::About;
use perilune::{Failure, Kind, Overview};
use serde::{Deserialize, Serialize};

/// Of requests and replies. Fields may be added to either within a version.
pub const VERSION: u32 = 1;

/// What an operator wants. Processes are named by a pid, by a name that they have registered, or by the number in the pid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// All that runs: a [`Listing`].
    List,
    /// One process: [`perilune::ProcessDetails`].
    Inspect {
        /// Which one.
        pid: String,
    },
    /// A message for a process.
    Send {
        /// For which one.
        pid: String,
        /// What it is about.
        topic: String,
        /// What it says.
        #[serde(default)]
        values: Vec<serde_json::Value>,
    },
    /// The end of a process.
    Terminate {
        /// Which one.
        pid: String,
    },
    /// A process is asked to end by itself.
    Cancel {
        /// Which one.
        pid: String,
        /// Why.
        reason: Option<String>,
    },
    /// Something about workflows: the answers are those of [`perform`](crate::workflow::perform).
    Workflow {
        /// What.
        about: About,
    },
}

/// All that runs, and in which application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// Who answers.
    pub application: Application,
    /// What runs in it.
    #[serde(flatten)]
    pub overview: Overview,
}

/// An application that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Its directory, without links.
    pub directory: String,
    /// The command that it runs, unless it runs its services alone.
    pub command: Option<String>,
    /// The number that the system gives to `perilune run`.
    pub system_pid: u32,
    /// Milliseconds since it began to answer.
    pub uptime_ms: u64,
}

/// What any request and any reply has.
#[derive(Deserialize)]
pub(crate) struct Versioned {
    pub(crate) version: u32,
}

/// A request.
#[derive(Serialize)]
pub(crate) struct Request<'a> {
    pub(crate) version: u32,
    #[serde(flatten)]
    pub(crate) order: &'a Order,
}

/// A reply: one of the two.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reply<T> {
    pub(crate) version: u32,
    #[serde(flatten)]
    pub(crate) outcome: Outcome<T>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome<T> {
    Ok(T),
    Error(Refusal),
}

/// Why the application does not do what was asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(kind: &Kind, message: impl Into<String>) -> Self {
        Refusal { code: kind.as_str().to_owned(), message: message.into() }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal::new(&failure.kind, failure.message)
    }
}
