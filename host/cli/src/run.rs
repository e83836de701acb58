//! `perilune run COMMAND`: a process with the terminal attached.

use crate::arguments::Run;
use crate::exit::Exit;
use crate::{application, output};
use perilune::{Runtime, Value};
use std::path::Path;

pub(crate) async fn run(directory: &Path, command: Run) -> Exit {
    let runtime = match application::load(directory) {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    runtime.warm().await;
    let name = match command.name {
        Some(name) if runtime.commands().iter().any(|command| command.name == name) => name,
        Some(name) => return Exit::usage(format!("there is no command `{name}`\n{}", commands(&runtime))),
        None => match runtime.commands().into_iter().find(|command| command.is_main) {
            Some(main) => main.name,
            None => return Exit::usage(format!("name a command to run\n{}", commands(&runtime))),
        },
    };
    match runtime.run_command(&name, &command.args).await {
        Ok(result) => exit_for(result),
        Err(failure) => Exit::of_failure(&failure),
    }
}

/// A number is the exit code, a boolean says whether it went well, a text is printed.
fn exit_for(result: Value) -> Exit {
    match &result {
        Value::String(text) => {
            output::line(text);
            Exit::done()
        }
        Value::Bool(false) => Exit::code(1),
        Value::Integer(_) | Value::Float(_) => match result.as_integer().map(u8::try_from) {
            Some(Ok(code)) => Exit::code(code),
            _ => Exit::failed("the command returned a number that is no exit code (0 to 255)"),
        },
        _ => Exit::done(),
    }
}

fn commands(runtime: &Runtime) -> String {
    let commands = runtime.commands();
    if commands.is_empty() {
        return "the application defines none: a command is a `process.lua` with `meta.command.name`"
            .to_owned();
    }
    let width = commands.iter().map(|command| command.name.len()).max().unwrap_or(0);
    let lines = commands.iter().map(|command| format!("  {:width$}  {}", command.name, command.summary));
    format!("commands:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
