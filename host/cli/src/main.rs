//! The `perilune` command: arguments in, results to stdout, everything else to stderr.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `arguments/` | every command and option, with its help |
//! | `application.rs` | from a directory or a pack to a runtime |
//! | `terminal.rs` | what a command on a `terminal.host` reads and writes |
//! | `behalf.rs` | the actor and the policies that a call runs under |
//! | `run.rs`, `call.rs`, `registry.rs`, `editor.rs`, `lint.rs`, `settings.rs`, `explain.rs` | one command each |
//! | `completions/` | what shells complete |
//! | `pack.rs` | an application in one file, and the keys that sign it |
//! | `repl/` | Lua that is typed |
//! | `watch/` | `run --watch`: edited files are live at once |
//! | `init/`, `doctor/` | one command each: a new application, and what the machine offers |
//! | `workflow/` | commands about durable workflows |
//! | `test/` | the application's tests, JUnit, coverage |
//! | `control/` | commands that ask a running application |
//! | `output.rs`, `log.rs`, `bar.rs` | stdout, stderr and colours; log records; how far something is |
//! | `exit.rs`, `signals.rs` | exit codes; Ctrl-C and SIGTERM |

mod application;
mod arguments;
mod bar;
mod behalf;
mod call;
mod completions;
mod control;
mod doctor;
mod editor;
mod exit;
mod explain;
mod init;
mod lint;
mod log;
mod output;
mod pack;
mod registry;
mod repl;
mod run;
mod settings;
mod signals;
mod terminal;
mod test;
mod watch;
mod workflow;

use arguments::{Arguments, Command};
use exit::Exit;
use perilune_settings::Settings;
use settings::Given;
use signals::Signals;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    if let Command::Complete { words } = arguments.command {
        // Before settings are read: what is wrong with them is no answer to a key.
        return completions::candidates(words).report();
    }
    let _usual = terminal::remember();
    let exit = match settings::read(&arguments).and_then(|given| Ok((settings::apply(&given)?, given))) {
        Ok((settings, given)) => started(arguments, settings, given),
        Err(exit) => exit,
    };
    exit.report()
}

/// Carries out the command on threads of its own.
fn started(arguments: Arguments, settings: Settings, given: Given) -> Exit {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    if let Some(count) = settings.threads {
        threads.worker_threads(count as usize);
    }
    match threads.enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(work(arguments, settings, given));
            // Cells that still compute are ended with the process; nobody waits for them.
            runtime.shutdown_background();
            exit
        }
        Err(error) => Exit::failed(format!("cannot start threads: {error}")),
    }
}

/// Carries out the command.
async fn work(arguments: Arguments, settings: Settings, given: Given) -> Exit {
    let mut signals = Signals::listen();
    let Arguments { directory, is_named, command, .. } = arguments;
    match command {
        // It stops its services itself when it is asked to end.
        Command::Run(command) => run::run(&directory, &settings, command, signals).await,
        Command::Call(command) => or_interrupted(call::call(&directory, &settings, command), signals).await,
        // Ctrl-C ends what runs in it, and not the session.
        Command::Repl(command) => repl::repl(&directory, is_named, &settings, command, &mut signals).await,
        // It reports what was known when it is interrupted.
        Command::Test(command) => test::test(&directory, &settings, command, signals).await,
        Command::Control(command) => control::control(&directory, command),
        Command::Lint(command) => lint::lint(&directory, &settings, command),
        Command::Registry(command) => registry::registry(&directory, &settings, command),
        Command::Workflow(command) => {
            or_interrupted(workflow::workflow(&directory, &settings, command), signals).await
        }
        Command::Pack(command) => pack::pack(&directory, settings, command, signals).await,
        Command::Keygen { file, public } => pack::keygen(&file, public),
        Command::Editor { dir } => editor::editor(dir.as_ref().unwrap_or(&directory)),
        Command::Init(command) => or_interrupted(init::init(&directory, command), signals).await,
        Command::Settings { format } => settings::show(&given.resolved, format),
        Command::Doctor { format } => {
            or_interrupted(doctor::doctor(&directory, &settings, &given, format), signals).await
        }
        Command::Explain { code } => explain::explain(code.as_deref()),
        Command::Completions { shell } => completions::completions(shell),
        Command::Complete { words } => completions::candidates(words),
    }
}

/// Ctrl-C ends it.
async fn or_interrupted(command: impl Future<Output = Exit>, mut signals: Signals) -> Exit {
    tokio::select! {
        exit = command => exit,
        () = signals.end() => Exit::interrupted(),
    }
}
