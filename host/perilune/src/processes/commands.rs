//! Processes that run as commands: the entry whose `meta.command.name` it is.

use crate::components::PROCESS_WASM;
use crate::functions;
use crate::program::PROCESS;
use crate::runtime::Inner;
use futures_util::future::join_all;
use perilune_modules::CallContext;
use perilune_modules::process::Order;
use perilune_process::Run;
use perilune_registry::Entry;
use perilune_security::Authority;
use perilune_value::{Failure, Kind, Value, args_to_msgpack};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// A command that the application defines.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What to type.
    pub name: String,
    /// What it does, in a sentence; may be empty.
    pub summary: String,
    /// The process.
    pub entry: String,
    /// Whether it is what runs when no command is named: `meta.command.main`.
    pub is_main: bool,
}

impl Inner {
    /// The commands of the current version, by name.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let snapshot = self.registry.snapshot();
        let mut commands: Vec<_> = snapshot.entries().filter_map(command).collect();
        commands.sort_by(|left, right| left.name.cmp(&right.name));
        commands
    }

    /// Runs a command to its end, on a terminal host where there is one; its arguments are texts.
    pub(crate) async fn run_command(
        self: &Arc<Self>,
        authority: Authority,
        name: &str,
        args: &[String],
        host: Option<&str>,
    ) -> Result<Value, Failure> {
        let command = self.commands().into_iter().find(|command| command.name == name);
        let command = command.ok_or_else(|| Failure::not_found(format!("no command `{name}`")))?;
        let args: Vec<Value> = args.iter().map(|arg| Value::from(arg.as_str())).collect();
        if let Some(host) = self.terminal_host(host)? {
            let run = self.spawn(Order::new(command.entry, host, args_to_msgpack(&args), authority))?;
            let foreground = Foreground::new(self, run);
            return decode(foreground.run.outcome().await?.to_vec());
        }
        let target = self.find(&command.entry)?;
        let context = CallContext { authority, ..CallContext::new(self.modules.clone()) };
        let run =
            functions::Run { target, args: args_to_msgpack(&args), context, timeout: None, is_alone: false };
        decode(self.run(run).await?)
    }
}

impl Inner {
    /// Where commands run: the host that is named, or the only one.
    fn terminal_host(&self, named: Option<&str>) -> Result<Option<String>, Failure> {
        let snapshot = self.registry.snapshot();
        let all = snapshot.entries().filter(|entry| entry.kind() == TERMINAL);
        let mut all: Vec<String> = all.map(|entry| entry.id().to_string()).collect();
        let choice = all.join(", ");
        match (named, all.len()) {
            (Some(named), _) if all.iter().any(|id| id == named) => Ok(Some(named.to_owned())),
            (Some(named), 0) => {
                Err(Failure::not_found(format!("{named} is no {TERMINAL}; the application has none")))
            }
            (Some(named), _) => {
                Err(Failure::not_found(format!("{named} is no {TERMINAL}; the application has {choice}")))
            }
            (None, 0 | 1) => Ok(all.pop()),
            (None, _) => Err(Failure::invalid(format!(
                "the application has several hosts with a terminal: say which of {choice} is to run the command"
            ))),
        }
    }

    /// Asks commands that run on terminal hosts to end, and ends those that do not in time.
    pub(crate) async fn stop_commands(&self) {
        let runs = self.commands_running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for run in &runs {
            // Who has ended already needs not be asked.
            let _ = self.runs.cancel(run, "", Some("the application is stopping"));
        }
        let ended = join_all(runs.iter().map(|run| run.outcome()));
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            for run in &runs {
                run.kill(Failure::new(Kind::Canceled, "process terminated: the application is stopping"));
            }
        }
    }
}

const TERMINAL: &str = "terminal.host";

/// How long a command may take to end when it was asked to: as `lifecycle.stop_timeout` says of services that say nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// A command that somebody waits for. Dropping it ends the command.
struct Foreground {
    inner: Arc<Inner>,
    run: Arc<Run>,
}

impl Foreground {
    fn new(inner: &Arc<Inner>, run: Arc<Run>) -> Self {
        let running = &inner.commands_running;
        running.lock().unwrap_or_else(PoisonError::into_inner).push(run.clone());
        Foreground { inner: inner.clone(), run }
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let mut running = self.inner.commands_running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|run| !Arc::ptr_eq(run, &self.run));
        self.run.kill(Failure::new(Kind::Canceled, "the command was given up"));
    }
}

fn command(entry: &Arc<Entry>) -> Option<Command> {
    if !matches!(entry.runs_as(), PROCESS | PROCESS_WASM) {
        return None;
    }
    let described = entry.meta().get("command")?;
    Some(Command {
        name: described.get("name")?.as_str()?.to_owned(),
        summary: described.get("short").and_then(Value::as_str).unwrap_or_default().to_owned(),
        entry: entry.id().to_string(),
        is_main: described.get("main") == Some(&Value::Bool(true)),
    })
}

/// A result as a tree. The bytes come from a cell, so they are checked.
pub(crate) fn decode(result: Vec<u8>) -> Result<Value, Failure> {
    Value::from_msgpack(&result)
        .map_err(|error| Failure::internal(format!("the cell returned a malformed value: {error}")))
}
