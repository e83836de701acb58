//! Every command and option, with its help.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Runs untrusted Lua entries, each in its own WebAssembly sandbox.
#[derive(Debug, Parser)]
#[command(name = "perilune", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The application: a directory with YAML or JSON files of entries, or a file that `perilune pack` made
    #[arg(short = 'C', long = "directory", value_name = "DIR|FILE", default_value = ".", global = true)]
    pub directory: PathBuf,

    #[command(flatten)]
    pub allow: Allow,

    #[command(subcommand)]
    pub command: Command,
}

/// What entries may reach outside of the sandbox; nothing without these.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What entries may reach (lists with commas, or several times)")]
pub(crate) struct Allow {
    /// Hosts for HTTP and WebSocket clients: `api.example.com`, `*.example.com`, `localhost:8080`, `*` for every public one
    #[arg(long, value_name = "HOST", env = "PERILUNE_ALLOW_NET", value_delimiter = ',', global = true)]
    pub allow_net: Vec<String>,
    /// Environment variables: `DATABASE_URL`, `SHOP_*`
    #[arg(long, value_name = "NAME", env = "PERILUNE_ALLOW_ENV", value_delimiter = ',', global = true)]
    pub allow_env: Vec<String>,
    /// Directories outside of the application
    #[arg(long, value_name = "DIR", env = "PERILUNE_ALLOW_DIR", value_delimiter = ',', global = true)]
    pub allow_dir: Vec<PathBuf>,
    /// When calls without an actor and policies may do nothing that is guarded: `auto` once the application has a policy
    #[arg(long, value_name = "WHEN", env = "PERILUNE_STRICT", default_value = "auto", global = true)]
    pub strict: Strict,
    /// Folder that relative paths of entries begin at where the application is a pack, which has none of its own
    #[arg(long, value_name = "DIR", env = "PERILUNE_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// Run nothing but packs signed with one of these keys: `ed25519:…`, or a file with that text
    #[arg(long, value_name = "PUBKEY", env = "PERILUNE_REQUIRE_SIGNATURE", value_delimiter = ',', global = true)]
    pub require_signature: Vec<String>,
}

/// The values of `--strict`.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum Strict {
    #[default]
    Auto,
    Always,
    Never,
}

/// On whose behalf a command calls.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "On whose behalf")]
pub(crate) struct Behalf {
    /// Call on behalf of this actor, under the policies of --policy and --group
    #[arg(long, value_name = "ID")]
    pub actor: Option<String>,
    /// Policy that the call runs under: a `security.policy` entry
    #[arg(long, value_name = "ID", requires = "actor", value_delimiter = ',')]
    pub policy: Vec<String>,
    /// Group of policies that the call runs under
    #[arg(long, value_name = "ID", requires = "actor", value_delimiter = ',')]
    pub group: Vec<String>,
}

const AFTER_HELP: &str = "\
Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.
Environment: RUST_LOG chooses log records (such as `debug`), NO_COLOR turns colours off,
PERILUNE_CACHE_DIR is where the compiled sandbox is kept.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(Run),
    Call(Call),
    #[command(flatten)]
    Control(Control),
    #[command(subcommand)]
    Registry(Registry),
    #[command(subcommand)]
    Workflow(Workflow),
    Pack(Pack),
    /// Make a key that signs packs, and print its public half
    Keygen {
        /// File for the secret half; one that is there is never replaced
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Make nothing: print the public half of the key in FILE
        #[arg(long)]
        public: bool,
    },
    /// Write definitions of all modules for the Lua language server, so that editors complete, explain and check
    ///
    /// They go to `.perilune/lua`, with a `.luarc.json` that names them. One that is there already is left as it is.
    Editor {
        /// Directory to write to; the application's without it
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Start the application: its services, or a command that it defines
///
/// Services are entries with `lifecycle.auto_start`, such as `http.service`; they run until Ctrl-C or SIGTERM, or until the
/// command has ended. One that fails starts again as its `lifecycle.restart` says; when a required one is given up, the program
/// ends with exit code 1.
///
/// A command is a `process.lua` entry with `meta.command.name`. Its arguments reach `method` as texts. What it returns decides
/// the exit code: a number is the code, true is 0, false is 1, an error is 1; a text is printed. Where the application has a
/// `terminal.host`, the command runs on it, and module `io` reads and writes the terminal.
#[derive(Args, Debug)]
pub(crate) struct Run {
    #[command(flatten)]
    pub behalf: Behalf,
    /// The `terminal.host` that runs the command, where the application has several
    #[arg(long, value_name = "ID")]
    pub host: Option<String>,
    /// Name of the command; without it, the one with `meta.command.main` runs, or the services alone
    #[arg(value_name = "COMMAND")]
    pub name: Option<String>,
    /// Arguments of the command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

/// Write the application into one file, which runs wherever a directory does
///
/// It holds the files of entries, those that they name by `file://`, and those of `fs.embed` entries; all else in the directory stays
/// out. The same application gives the same bytes.
#[derive(Args, Debug)]
pub(crate) struct Pack {
    /// File to write; another pack is replaced once the new one is complete
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Keep Lua as bytecode, without its text: all, or what the patterns mean (an id, a name, `namespace:**`, `**`)
    #[arg(long, value_name = "PATTERN", num_args = 0.., value_delimiter = ',')]
    pub bytecode: Option<Vec<String>>,
    /// Sign the pack with the key in this file; `perilune keygen` makes one
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}

/// Call an entry and print its result as JSON
///
/// A function returns its result, a module's method is called as `namespace:name.method`, a process runs to its end.
#[derive(Args, Debug)]
pub(crate) struct Call {
    #[command(flatten)]
    pub behalf: Behalf,
    /// Entry to call: `namespace:name` or `namespace:name.method`
    #[arg(value_name = "ID")]
    pub target: String,
    /// Arguments, each one JSON: 42, '"text"', '{"a": [1, 2]}'
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    pub args: Vec<String>,
    /// End the call after this time, such as 500ms or 1m30s
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
}

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

/// How a result is printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

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

/// Look at the application's entries
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// List entries: id and kind
    List {
        /// Only entries of this kind; `*` stands for anything
        #[arg(short, long, value_name = "KIND")]
        kind: Option<String>,
        /// Only entries of this namespace; `*` stands for anything
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Show one entry as JSON
    Show {
        /// Entry to show
        #[arg(value_name = "ID")]
        id: String,
    },
    /// List entries that match all criteria
    ///
    /// A criterion is KEY=VALUE: `.kind`, `.name`, `.ns`, `.id` with `*` for anything, or a field of `meta`. In front of the field,
    /// `~` asks for a regular expression, `*` for a part, `^` for the beginning, `$` for the end. VALUE is JSON, or else a text.
    Find {
        /// Criteria, such as type=handler or '~meta.version=^2\.'
        #[arg(value_name = "KEY=VALUE", required = true)]
        criteria: Vec<String>,
        #[command(flatten)]
        format: Format,
    },
}
