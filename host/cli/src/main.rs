//! The `perilune` command: arguments in, results to stdout, everything else to stderr.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `arguments.rs` | every command and option, with its help |
//! | `application.rs` | from a directory or a pack to a runtime |
//! | `terminal.rs` | what a command on a `terminal.host` reads and writes |
//! | `behalf.rs` | the actor and the policies that a call runs under |
//! | `run.rs`, `call.rs`, `registry.rs`, `editor.rs` | one command each |
//! | `pack.rs` | an application in one file, and the keys that sign it |
//! | `workflow/` | commands about durable workflows |
//! | `control/` | commands that ask a running application |
//! | `output.rs` | stdout, stderr, logs, colours |
//! | `exit.rs`, `signals.rs` | exit codes; Ctrl-C and SIGTERM |

mod application;
mod arguments;
mod behalf;
mod call;
mod control;
mod editor;
mod exit;
mod output;
mod pack;
mod registry;
mod run;
mod signals;
mod terminal;
mod workflow;

use arguments::{Arguments, Command};
use clap::Parser;
use exit::Exit;
use signals::Signals;
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

/// Carries out the command.
async fn work(arguments: Arguments) -> Exit {
    let signals = Signals::listen();
    let Arguments { directory, allow, command } = arguments;
    match command {
        // It stops its services itself when it is asked to end.
        Command::Run(command) => run::run(&directory, allow, command, signals).await,
        Command::Call(command) => or_interrupted(call::call(&directory, allow, command), signals).await,
        Command::Control(command) => control::control(&directory, command),
        Command::Registry(command) => registry::registry(&directory, allow, command),
        Command::Workflow(command) => {
            or_interrupted(workflow::workflow(&directory, allow, command), signals).await
        }
        Command::Pack(command) => pack::pack(&directory, allow, command, signals).await,
        Command::Keygen { file, public } => pack::keygen(&file, public),
        Command::Editor { dir } => editor::editor(dir.as_ref().unwrap_or(&directory)),
    }
}

/// Ctrl-C ends it.
async fn or_interrupted(command: impl Future<Output = Exit>, mut signals: Signals) -> Exit {
    tokio::select! {
        exit = command => exit,
        () = signals.end() => Exit::interrupted(),
    }
}
