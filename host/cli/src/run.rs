//! `perilune run [COMMAND]`: services, and a process with the terminal attached.

use crate::arguments::Run;
use crate::exit::Exit;
use crate::signals::Signals;
use crate::watch::Following;
use crate::{application, control, output, terminal, watch};
use perilune::{Command, Entry, EntryId, Runtime, Terminal, Value};
use perilune_settings::Settings;
use std::path::Path;
use std::pin::pin;

pub(crate) async fn run(directory: &Path, settings: &Settings, command: Run, mut signals: Signals) -> Exit {
    let terminal = terminal::open(&command.args);
    if !command.watch {
        return match application::load(directory, settings, Some(terminal.clone())) {
            Ok(runtime) => {
                attend(&runtime, directory, settings, &command, &terminal, &mut signals, None).await.exit()
            }
            Err(exit) => exit,
        };
    }
    if directory.is_file() {
        let shown = directory.display();
        return Exit::usage(format!("--watch is for directories: `{shown}` is a file, which nobody edits"));
    }
    // By its name and not as the folder that the program happens to be in, which may go away while another takes its name.
    let directory = &match std::path::absolute(directory) {
        Ok(directory) => directory,
        Err(error) => return Exit::failed(format!("cannot watch `{}`: {error}", directory.display())),
    };
    let load = || application::load(directory, settings, Some(terminal.clone()));
    loop {
        let (runtime, mut following) = match watch::load(directory, load, &mut signals).await {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        match attend(&runtime, directory, settings, &command, &terminal, &mut signals, Some(&mut following))
            .await
        {
            End::Exit(exit) => return exit,
            End::Broken(exit) => exit.say(),
            End::Changed => continue,
        }
        output::status("waiting for a change that mends it");
        tokio::select! {
            () = following.change() => {}
            () = signals.end() => return Exit::interrupted(),
        }
    }
}

/// How it ended.
enum End {
    /// As it was meant to, or asked to.
    Exit(Exit),
    /// A required service cannot run, or the command that is asked for is not there.
    Broken(Exit),
    /// Files were edited before all that is required ran.
    Changed,
}

impl End {
    fn exit(self) -> Exit {
        match self {
            End::Exit(exit) | End::Broken(exit) => exit,
            End::Changed => Exit::done(),
        }
    }
}

/// Waits for a change of files that are followed.
async fn change(following: Option<&mut Following>) {
    match following {
        Some(following) => following.change().await,
        None => std::future::pending().await,
    }
}

/// Starts what there is to start, and waits until it ends or somebody ends it.
async fn attend(
    runtime: &Runtime,
    directory: &Path,
    settings: &Settings,
    command: &Run,
    terminal: &Terminal,
    signals: &mut Signals,
    following: Option<&mut Following>,
) -> End {
    let authority = match command.behalf.authority(runtime) {
        Ok(authority) => authority,
        Err(exit) => return End::Broken(exit),
    };
    let commands = runtime.commands();
    let name = match &command.name {
        Some(name) if commands.iter().any(|command| command.name == *name) => Some(name.clone()),
        Some(name) => {
            return End::Broken(Exit::usage(format!("there is no command `{name}`\n{}", list(&commands))));
        }
        None => commands.iter().find(|command| command.is_main).map(|command| command.name.clone()),
    };
    tokio::select! {
        // Nothing has begun that would have to be stopped.
        () = signals.end() => return End::Exit(Exit::interrupted()),
        () = runtime.warm() => {}
    }
    let control = match settings.control_socket {
        true => control::serve(runtime, directory, name.as_deref()),
        false => None,
    };
    let is_command = name.is_some();
    // A required service may be tried for as long as it takes.
    let started = tokio::select! {
        biased; // who asks services that have just started to end gets the code for those that run
        started = runtime.start() => started.map_err(|failure| End::Broken(Exit::of_failure(&failure))),
        code = runtime.exit_requested() => Err(End::Exit(Exit::requested(code))),
        () = signals.end() => Err(End::Exit(Exit::interrupted())),
        () = change(following) => Err(End::Changed),
    };
    if started.is_ok() && !is_command {
        mention_what_waits(runtime).await;
    }
    let host = command.host.as_deref();
    // It lives until all has stopped: dropping it would end the command without asking.
    let mut work = pin!(async {
        match name {
            Some(name) => {
                let result = runtime.run_command_on(host, authority, &name, &command.args).await;
                // What it wrote comes before what is said of it.
                terminal.drain().await;
                End::Exit(match result {
                    Ok(result) => exit_for(result),
                    Err(failure) => command.behalf.exit(&failure),
                })
            }
            None if runtime.services().await.is_empty() => {
                End::Broken(Exit::usage(format!("name a command to run\n{}", list(&commands))))
            }
            None => std::future::pending().await,
        }
    });
    let end = match started {
        Err(end) => end,
        Ok(()) => tokio::select! {
            end = &mut work => end,
            failure = runtime.service_given_up() => End::Broken(Exit::of_failure(&failure)),
            code = runtime.exit_requested() => End::Exit(Exit::requested(code)),
            () = signals.end() => End::Exit(if is_command { Exit::interrupted() } else { Exit::done() }),
        },
    };
    tokio::select! {
        () = async {
            runtime.stop().await;
            terminal.drain().await;
            if let Some(control) = &control {
                control.finish().await;
            }
        } => end,
        // Who asks twice does not want to wait.
        () = signals.end() => End::Exit(Exit::interrupted()),
    }
}

/// Kinds that do nothing until they are started.
const SERVICES: [&str; 3] = ["http.service", "process.service", "queue.consumer"];

/// Says which services nobody starts: they are nearly always meant to be.
async fn mention_what_waits(runtime: &Runtime) {
    let started = runtime.services().await;
    if started.is_empty() {
        return;
    }
    let snapshot = runtime.registry().snapshot();
    // A group that runs runs its members.
    let groups =
        snapshot.entries().filter(|entry| entry.kind() == "service.group" && started.contains(entry.id()));
    let members: Vec<EntryId> = groups.flat_map(|group| members(group)).collect();
    let runs = |id: &EntryId| started.contains(id) || members.contains(id);
    let waits = snapshot.entries().filter(|entry| SERVICES.contains(&entry.kind()) && !runs(entry.id()));
    for entry in waits {
        tracing::info!(
            target: "perilune::service",
            service = %entry.id(),
            "not started: it has no `lifecycle: {{auto_start: true}}`, and nothing that runs requires it"
        );
    }
}

fn members(group: &Entry) -> Vec<EntryId> {
    let Some(Value::Array(services)) = group.data().get("services") else { return Vec::new() };
    let named = services.iter().filter_map(Value::as_str);
    named.filter_map(|name| EntryId::relative(name, group.id().namespace()).ok()).collect()
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

fn list(commands: &[Command]) -> String {
    if commands.is_empty() {
        return "the application defines none: a command is a `process.lua` with `meta.command.name`; a service, such as an \
                `http.service`, starts with `lifecycle: {auto_start: true}`"
            .to_owned();
    }
    let width = commands.iter().map(|command| command.name.len()).max().unwrap_or(0);
    let lines = commands.iter().map(|command| format!("  {:width$}  {}", command.name, command.summary));
    format!("commands:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
