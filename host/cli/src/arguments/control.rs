//! Commands that ask the application that runs.

use super::Format;
use clap::{Args, Subcommand};

/// Commands that ask the application that `perilune run` has started.
#[derive(Debug, Subcommand)]
pub(crate) enum Control {
    /// Show what runs: services, hosts and processes below who started them, with mailboxes, memory and dead letters
    Ps {
        #[command(flatten)]
        format: Format,
    },
    /// Show one process: what it does, its mailbox, and who it is linked with
    Inspect {
        #[command(flatten)]
        whom: Whom,
        #[command(flatten)]
        format: Format,
    },
    /// Send a message to a process
    Send {
        #[command(flatten)]
        whom: Whom,
        /// What the message is about
        #[arg(value_name = "TOPIC")]
        topic: String,
        /// What it says, each value one JSON: 42, '"text"', '{"a": [1, 2]}'
        #[arg(value_name = "JSON", allow_negative_numbers = true)]
        values: Vec<String>,
    },
    /// Ask a process to end by itself
    Cancel {
        #[command(flatten)]
        whom: Whom,
        /// Why
        #[arg(value_name = "REASON")]
        reason: Option<String>,
    },
    /// End a process without asking
    Terminate {
        #[command(flatten)]
        whom: Whom,
    },
}

/// A process of an application that runs.
#[derive(Args, Debug)]
pub(crate) struct Whom {
    /// The process: a name that it has registered, a pid such as '{app:host|0002a}', or the number in the pid
    #[arg(value_name = "PID")]
    pub pid: String,
}
