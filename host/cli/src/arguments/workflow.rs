//! Commands about durable workflows.

use super::Format;
use clap::{Args, Subcommand};

/// Look at durable workflows and steer them
///
/// An application that `perilune run` has started is asked. One that does not run is looked into: then `list`, `show` and `replay`
/// work for a `workflow.host`, and everything for a `temporal.worker`.
#[derive(Debug, Subcommand)]
pub(crate) enum Workflow {
    /// Start a workflow and print its pid
    ///
    /// It runs on the host that its entry names in `meta.temporal.workflow.worker`.
    Start {
        /// The workflow's id; a new one without it
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Entry to start: `namespace:name`
        #[arg(value_name = "ENTRY")]
        entry: String,
        /// Arguments, each one JSON: 42, '"text"', '{"a": [1, 2]}'
        #[arg(value_name = "JSON", allow_negative_numbers = true)]
        values: Vec<String>,
    },
    /// List runs, the newest first
    List {
        #[command(flatten)]
        host: Host,
        /// Only runs of this workflow
        #[arg(short = 't', long = "type", value_name = "ID")]
        workflow_type: Option<String>,
        /// Only runs with this status
        #[arg(short, long, value_name = "STATUS", value_parser = STATUSES)]
        status: Option<String>,
        /// Only workflows whose id begins so
        #[arg(short, long, value_name = "TEXT")]
        prefix: Option<String>,
        /// How many at most, of each host
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        format: Format,
    },
    /// Show one run: what is known of it, and its history with the Lua line that each event comes from
    Show {
        #[command(flatten)]
        which: Which,
        /// Print the run as a file that `perilune workflow replay` reads
        #[arg(long)]
        json: bool,
    },
    /// Send a signal
    Signal {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        what: What,
    },
    /// Ask a query and print its answer as JSON
    Query {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        what: What,
    },
    /// Call an update and print its result as JSON
    Update {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        what: What,
    },
    /// Ask a run to end by itself
    Cancel {
        #[command(flatten)]
        which: Which,
        /// Why
        #[arg(value_name = "REASON", default_value = "")]
        reason: String,
    },
    /// End a run without asking its code
    Terminate {
        #[command(flatten)]
        which: Which,
        /// Why
        #[arg(value_name = "REASON", default_value = "")]
        reason: String,
    },
    /// Run a recorded history against today's code, and name the first difference
    ///
    /// A file is what `perilune workflow show --json` printed, or what Temporal's tools export. Exit code 1 says that the code does
    /// something else now.
    Replay {
        #[command(flatten)]
        host: Host,
        /// A file, or the id of a workflow
        #[arg(value_name = "FILE|ID")]
        what: String,
    },
}

/// As the backend writes them.
const STATUSES: [&str; 7] =
    ["running", "completed", "failed", "canceled", "terminated", "timed_out", "continued_as_new"];

/// Whose workflows.
#[derive(Args, Debug)]
pub(crate) struct Host {
    /// The `workflow.host` or `temporal.worker`; all of the application without it
    #[arg(long, value_name = "ID")]
    pub host: Option<String>,
}

/// A workflow, or one run of it.
#[derive(Args, Debug)]
pub(crate) struct Which {
    #[command(flatten)]
    pub host: Host,
    /// The run; the open one without it, or else the last
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// The workflow's id, or its pid such as '{app:host|order-1}'
    #[arg(value_name = "ID")]
    pub id: String,
}

/// A signal, a query or an update.
#[derive(Args, Debug)]
pub(crate) struct What {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it says, each value one JSON: 42, '"text"', '{"a": [1, 2]}'
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    pub values: Vec<String>,
}
