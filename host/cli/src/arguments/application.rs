//! Commands that load an application.

use super::{Behalf, Format};
use clap::{Args, Subcommand};
use std::num::NonZeroUsize;
use std::path::PathBuf;

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
/// an application, its libraries can be required by their ids or aliases, and its functions called with module `funcs`; without -C, a
/// directory without one will do. What comes from a file or another program runs to the first error, which makes the exit code 1.
/// `.help` lists commands.
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
    /// Start the services that `perilune run` would start
    #[arg(long)]
    pub services: bool,
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
