//! The command line of `cargo xtask`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "speaking to the terminal is what it is for")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::bench::{self, Options};
use xtask::{checks, demo, setup, workspace::Workspace};

/// Set-up, tests, demo and benchmarks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Fetch the pinned wasm C compiler into the target directory (done by every verb that builds).
    Setup {
        /// Print the compiler's path on standard output.
        #[arg(long)]
        print_path: bool,
    },
    /// Run every check and every test; with arguments, only the tests that they select.
    Test {
        /// Handed to `cargo test`: a part of a test's name, `-p CRATE`, `--test FILE`, …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build `perilune` and run the examples.
    Demo {
        /// Run only the example in this folder of `examples/`.
        example: Option<String>,
        /// Write what the commands print into the examples' README files.
        #[arg(long)]
        record: bool,
    },
    /// Run the benchmarks, each beside its floor and its native baseline; the report goes to `target/bench/`.
    Bench {
        /// Measure for three minutes at most.
        #[arg(long)]
        quick: bool,
        /// Print what the keys mean and must reach, and measure nothing.
        #[arg(long)]
        list: bool,
        /// Measure only groups with a key that has this in its name.
        filters: Vec<String>,
    },
    /// Check formatting, lints and (where `cargo-deny` is installed) dependencies.
    Lint,
    /// Format all code.
    Fmt,
}

fn main() -> ExitCode {
    match run(Cli::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> anyhow::Result<()> {
    let workspace = Workspace::locate()?;
    match verb {
        Verb::Setup { print_path } => {
            let compiler = setup::ensure(&workspace)?;
            if print_path {
                println!("{}", compiler.path().display());
            }
            Ok(())
        }
        Verb::Test { args } => checks::test(&workspace, &args),
        Verb::Demo { example, record } => demo::run(&workspace, example.as_deref(), record),
        Verb::Bench { quick, list, filters } => bench::run(&workspace, &Options { quick, list, filters }),
        Verb::Lint => {
            setup::ensure(&workspace)?;
            checks::lint(&workspace)
        }
        Verb::Fmt => workspace.cargo(&["fmt", "--all"]),
    }
}
