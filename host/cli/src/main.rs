//! The `perilune` command: arguments in, results to stdout, everything else to stderr.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `arguments.rs` | every command and option, with its help |
//! | `application.rs` | from a directory to a runtime |
//! | `run.rs`, `call.rs`, `registry.rs` | one command each |
//! | `output.rs` | stdout, stderr, logs, colours |
//! | `exit.rs` | exit codes |

mod application;
mod arguments;
mod call;
mod exit;
mod output;
mod registry;
mod run;

use arguments::{Arguments, Command};
use clap::Parser;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    output::start_logging();
    let exit = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let exit = runtime.block_on(work(arguments));
            // Cells that still compute are ended with the process; nobody waits for them.
            runtime.shutdown_background();
            exit
        }
        Err(error) => Exit::failed(format!("cannot start threads: {error}")),
    };
    exit.report()
}

/// Carries out the command; Ctrl-C ends it.
async fn work(arguments: Arguments) -> Exit {
    tokio::select! {
        exit = command(arguments) => exit,
        _ = tokio::signal::ctrl_c() => Exit::interrupted(),
    }
}

async fn command(arguments: Arguments) -> Exit {
    let directory = &arguments.directory;
    match arguments.command {
        Command::Run(command) => run::run(directory, command).await,
        Command::Call(command) => call::call(directory, command).await,
        Command::Registry(command) => registry::registry(directory, command),
    }
}
