//! Processes that run as commands: the entry whose `meta.command.name` it is.

use crate::functions::Run;
use crate::program::PROCESS;
use crate::runtime::Inner;
use perilune_modules::CallContext;
use perilune_registry::Entry;
use perilune_security::Authority;
use perilune_value::{Failure, Value, args_to_msgpack};
use std::sync::Arc;

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

    /// Runs a command to its end; its arguments are texts.
    pub(crate) async fn run_command(
        self: &Arc<Self>,
        authority: Authority,
        name: &str,
        args: &[String],
    ) -> Result<Value, Failure> {
        let command = self.commands().into_iter().find(|command| command.name == name);
        let command = command.ok_or_else(|| Failure::not_found(format!("no command `{name}`")))?;
        let target = self.find(&command.entry)?;
        let args: Vec<Value> = args.iter().map(|arg| Value::from(arg.as_str())).collect();
        let context = CallContext { authority, ..CallContext::new(self.modules.clone()) };
        let run = Run { target, args: args_to_msgpack(&args), context, timeout: None };
        decode(self.run(run).await?)
    }
}

fn command(entry: &Arc<Entry>) -> Option<Command> {
    if entry.kind() != PROCESS {
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
