//! Every command and option, with its help.

use crate::init::Init;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use perilune_settings::Flags;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Runs untrusted Lua entries, each in its own WebAssembly sandbox.
#[derive(Debug, Parser)]
#[command(name = "perilune", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The application: a directory with YAML or JSON files of entries, or a file that `perilune pack` made
    #[arg(short = 'C', long = "directory", value_name = "DIR|FILE", default_value = ".", global = true)]
    pub directory: PathBuf,

    #[command(flatten)]
    pub settings: Flags,

    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// The program as clap knows it; a command's help shows only settings that it heeds.
    pub(crate) fn program() -> clap::Command {
        perilune_settings::fit(Self::command())
    }

    /// What was typed. Where that is wrong, or asks for help, the program ends here.
    pub(crate) fn read() -> Self {
        let mut program = Self::program();
        let matches = program.get_matches_mut();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut program).exit())
    }

    /// The application's folder, where the command has to do with one. A pack has none.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self.command {
            Command::Init(_)
            | Command::Editor { .. }
            | Command::Completions { .. }
            | Command::Keygen { .. }
            | Command::Explain { .. } => None,
            _ => Some(self.directory.as_path()).filter(|path| !path.is_file()),
        }
    }
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
What begins with `--` above is a setting, also in `perilune.yaml` and as a variable: `perilune settings`
shows them all. RUST_LOG chooses log records (such as `debug`), NO_COLOR turns colours off.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(Init),
    Run(Run),
    Call(Call),
    Repl(Repl),
    Test(Test),
    #[command(flatten)]
    Control(Control),
    Lint(Lint),
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
    /// Show every setting, its value, and where that was said: a flag, a variable, perilune.yaml, or nowhere
    Settings {
        #[command(flatten)]
        format: Format,
    },
    /// Say what this machine offers, what is missing, and what to do about it
    ///
    /// Each line is ok, a warning, or a failure. Exit code 1 says that something is missing without which nothing runs.
    Doctor {
        #[command(flatten)]
        format: Format,
    },
    /// Explain a code or a kind of error, such as E203 or Timeout
    Explain {
        /// The code; all of them are listed without it
        #[arg(value_name = "CODE")]
        code: Option<String>,
    },
    /// Print what makes a shell complete commands, flags and their values
    ///
    /// For bash: `perilune completions bash > ~/.local/share/bash-completion/completions/perilune`. For zsh, a file `_perilune` in a
    /// folder of `$fpath`. For fish: `perilune completions fish > ~/.config/fish/completions/perilune.fish`.
    Completions {
        /// Which shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
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
    /// Put edited files into effect as soon as they are saved; what is wrong is reported, and the previous version goes on
    #[arg(long)]
    pub watch: bool,
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
    /// Add what loading each entry leaves in memory, so that a start need not load it again; the entries are loaded for that, in their sandbox
    #[arg(long)]
    pub images: bool,
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

/// Read Lua and run it in the sandbox, input after input
///
/// Every input runs under the limits of a call; globals, and locals at its top, are there for the next one. Where the directory holds
/// an application, its libraries can be required by their ids or aliases, and its functions called with module `funcs`. What comes
/// from a file or another program runs to the first error, which makes the exit code 1. `.help` lists commands.
#[derive(Args, Debug)]
pub(crate) struct Repl {
    #[command(flatten)]
    pub behalf: Behalf,
    /// Take the place of this entry: its modules, imports and limits, and its value as the global `entry`
    #[arg(long, value_name = "ID")]
    pub entry: Option<String>,
    /// Only these modules; all of them without it, or those of the entry
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub modules: Vec<String>,
}

/// Find mistakes in the application without running it
///
/// Names that nothing has, modules that an entry lacks or lists in vain, calls with too few arguments, code and entries that nothing
/// reaches. A comment `-- lint: allow CODE` leaves a line alone. Exit code 1 says that there are errors.
#[derive(Args, Debug)]
pub(crate) struct Lint {
    /// Entries to look at; all without them
    #[arg(value_name = "ENTRY")]
    pub entries: Vec<String>,
    #[command(flatten)]
    pub format: Format,
    /// Fail for warnings too
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<Deny>,
    /// Leave these rules out (a list with commas, or several times)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// Say what a rule means and what to do about it
    #[arg(long, value_name = "CODE", conflicts_with_all = ["entries", "json", "deny", "allow"])]
    pub explain: Option<String>,
}

/// The values of `--deny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Deny {
    Warnings,
}

/// Run the application's tests: functions with `meta.type: test`
///
/// Each runs in a fresh sandbox, several at a time. It passes when its method returns, and fails when it raises an error, returns
/// `nil` and an error, returns false, or reaches a limit. `meta.suite` names the group that it is shown in, `meta.order` (a number)
/// says when it begins, `meta.skip` (a text) why it is left out, and `meta.timeout` how long it may take. Services that start
/// with the application run meanwhile.
///
/// Exit codes: 0 all passed, 1 some failed or there were none, 2 wrong usage, 130 Ctrl-C.
#[derive(Args, Debug)]
pub(crate) struct Test {
    /// Only tests with one of these in their id, suite or a tag; `*` stands for anything, and then the whole must fit
    #[arg(value_name = "FILTER")]
    pub filters: Vec<String>,
    /// Tests that run at once; as many as the machine has cores without it
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// End each test that takes longer, such as 500ms or 1m30s; `meta.timeout` goes before
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Stop at the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Leave services alone that start with the application
    #[arg(long)]
    pub no_services: bool,
    /// List the tests instead of running them
    #[arg(long, conflicts_with_all = ["coverage", "junit", "fail_fast"])]
    pub list: bool,
    #[command(flatten)]
    pub format: Format,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Show which lines of Lua ran
    #[arg(long)]
    pub coverage: bool,
    /// Write which lines ran in the format of lcov
    #[arg(long, value_name = "FILE", requires = "coverage")]
    pub lcov: Option<PathBuf>,
    /// Fail when less of the lines ran
    #[arg(long, value_name = "PERCENT", requires = "coverage", value_parser = percent)]
    pub min: Option<f64>,
    #[command(flatten)]
    pub behalf: Behalf,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "not a number from 0 to 100".to_owned())
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
