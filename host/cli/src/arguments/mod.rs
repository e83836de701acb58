//! Every command and option, with its help.
//!
//! | file | holds |
//! |---|---|
//! | `application.rs` | commands that load an application |
//! | `control.rs` | commands that ask the one that runs |
//! | `workflow.rs` | commands about durable workflows |

mod application;
mod control;
mod workflow;

pub(crate) use application::{Call, Deny, Lint, Pack, Registry, Repl, Run, Test};
pub(crate) use control::{Control, Whom};
pub(crate) use workflow::{Host, What, Which, Workflow};

use crate::init::Init;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use perilune_settings::Flags;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Runs untrusted Lua entries, each in its own WebAssembly sandbox.
#[derive(Debug, Parser)]
#[command(name = "perilune", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The application: a directory with YAML or JSON files of entries, or a file that `perilune pack` made
    #[arg(short = 'C', long = "directory", value_name = "DIR|FILE", default_value = ".", global = true)]
    pub directory: PathBuf,

    /// Whether somebody named the directory.
    #[arg(skip)]
    pub is_named: bool,

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
        let is_named = matches.value_source("directory") == Some(ValueSource::CommandLine);
        match Self::from_arg_matches(&matches) {
            Ok(arguments) => Arguments { is_named, ..arguments },
            Err(error) => error.format(&mut program).exit(),
        }
    }

    /// The application's folder, where the command has to do with one. A pack has none.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self.command {
            Command::Init(_)
            | Command::Editor { .. }
            | Command::Completions { .. }
            | Command::Complete { .. }
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
What begins with `--` above is a setting, also in `perilune.yaml` and as a variable:
`perilune settings` shows them all. RUST_LOG chooses log records (such as `debug`), NO_COLOR turns
colours off.";

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
    /// Print what makes a shell complete commands, flags and their values, and the application's entries
    ///
    /// For bash: `perilune completions bash > ~/.local/share/bash-completion/completions/perilune`. For zsh, a file `_perilune` in a
    /// folder of `$fpath`. For fish: `perilune completions fish > ~/.config/fish/completions/perilune.fish`.
    Completions {
        /// Which shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print what the last of these words may become; scripts for shells ask it
    #[command(hide = true)]
    Complete {
        /// As typed so far, with the program
        #[arg(last = true, value_name = "WORD")]
        words: Vec<OsString>,
    },
}

/// How a result is printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
