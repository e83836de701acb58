//! Updates of one run, from offer to end.
//!
//! | state | on | next |
//! |---|---|---|
//! | offered | accept, or the activation's end | accepted |
//! | offered | reject | gone |
//! | accepted | complete | gone |
//!
//! A script with a handler goes through these by itself. One that takes updates as messages answers to `{update|ID}` with topics `ack`
//! or `nak` first, then `ok` or `error`.

use perilune_value::{Failure, Kind, Value};
use perilune_workflow::CommandKind;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Updates(BTreeMap<String, Stage>);

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Offered,
    Accepted,
}

impl Updates {
    pub(super) fn offer(&mut self, id: &str) {
        self.0.insert(id.to_owned(), Stage::Offered);
    }

    /// False when it was accepted or refused before.
    pub(super) fn accept(&mut self, id: &str) -> bool {
        match self.0.get_mut(id) {
            Some(stage @ Stage::Offered) => {
                *stage = Stage::Accepted;
                true
            }
            _ => false,
        }
    }

    pub(super) fn reject(&mut self, id: &str) -> bool {
        self.0.get(id) == Some(&Stage::Offered) && self.0.remove(id).is_some()
    }

    pub(super) fn complete(&mut self, id: &str) -> bool {
        self.0.get(id) == Some(&Stage::Accepted) && self.0.remove(id).is_some()
    }

    /// Whether it was taken on and has not ended.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Those that are neither accepted nor refused.
    pub(super) fn offered(&self) -> Vec<String> {
        let offered = self.0.iter().filter(|(_, stage)| **stage == Stage::Offered);
        offered.map(|(id, _)| id.clone()).collect()
    }

    /// What a message of the script to an update means.
    pub(super) fn told(&mut self, id: &str, topic: &str, payload: Value) -> Vec<CommandKind> {
        let id_owned = || id.to_owned();
        let failure = |payload: Value| match payload {
            Value::Error(failure) => *failure,
            Value::String(text) => Failure::new(Kind::Internal, String::from_utf8_lossy(&text)),
            _ => Failure::new(Kind::Internal, "the update was refused"),
        };
        let mut commands = Vec::new();
        match topic {
            "ack" if self.accept(id) => commands.push(CommandKind::AcceptUpdate { id: id_owned() }),
            "nak" if self.reject(id) => {
                commands.push(CommandKind::RejectUpdate { id: id_owned(), failure: failure(payload) });
            }
            // It was taken on by waiting: the refusal is its end.
            "nak" if self.complete(id) => {
                let outcome = Err(failure(payload));
                commands.push(CommandKind::CompleteUpdate { id: id_owned(), outcome });
            }
            "ok" | "error" => {
                if self.accept(id) {
                    commands.push(CommandKind::AcceptUpdate { id: id_owned() });
                }
                if self.complete(id) {
                    let outcome = if topic == "ok" { Ok(payload) } else { Err(failure(payload)) };
                    commands.push(CommandKind::CompleteUpdate { id: id_owned(), outcome });
                }
            }
            _ => {}
        }
        commands
    }
}
