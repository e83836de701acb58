//! How a process is started.

use super::life::Life;
use crate::components::{self, PROCESS_WASM};
use crate::heavy;
use crate::pools::Target;
use crate::program::PROCESS;
use crate::runtime::Inner;
use perilune_modules::process::Order;
use perilune_process::{Birth, Nature, ProcessHost, Relation, Run};
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use std::time::Instant;

impl Inner {
    /// Starts a process. Its links, monitors, name and first messages are there before its code runs. Where another process has
    /// the name, that one gets the links, monitors and messages and is returned.
    pub(crate) fn spawn(self: &Arc<Self>, order: Order) -> Result<Arc<Run>, Failure> {
        let host = self.process_host(&order.host)?;
        let target = self.process_entry(&order.entry)?;
        while let Some(other) = order.name.as_deref().and_then(|name| self.runs.named(name)) {
            if let Some(told) = self.signal_instead(other, &order) {
                return told;
            }
        }
        let place = host.enter()?;
        let settings = host.settings();
        let born = self.runs.begin(Birth {
            nature: Nature::Process,
            host: host.id(),
            entry: target.name(),
            code: match &target {
                Target::Lua(target) => Some(target.callee.program.clone()),
                Target::Component(_) => None,
            },
            actor: order.authority.actor.clone(),
            parent: order.parent.clone(),
            began: Instant::now(),
            messages: settings.mailbox.messages,
            bytes: settings.mailbox.bytes,
        });
        if let Some(name) = &order.name {
            while let Some(other) = self.runs.claim(name, &born.run)? {
                if let Some(told) = self.signal_instead(other, &order) {
                    return told;
                }
            }
        }
        self.relate_to_parent(&born.run, &order)?;
        for message in &order.messages {
            self.runs.send(&born.run, message.clone())?;
        }
        let terminal = match &self.terminal {
            Some(terminal) if host.is_terminal() => terminal.attach(settings.hide_logs),
            _ => None,
        };
        let run = born.run.clone();
        match target {
            Target::Lua(target) => {
                heavy::home().spawn(Life::new(self, born, place, host, terminal, target, order).live());
            }
            Target::Component(callee) => {
                heavy::home().spawn(components::Life::new(self, born, place, host, callee, order).live());
            }
        }
        Ok(run)
    }

    /// Another one has the name: it is what the one who asked gets, related as the new one would have been. `None` when it ended
    /// just then, so that the name is free.
    fn signal_instead(&self, other: Arc<Run>, order: &Order) -> Option<Result<Arc<Run>, Failure>> {
        let told = self.relate_to_parent(&other, order).and_then(|()| {
            order.messages.iter().try_for_each(|message| self.runs.send(&other, message.clone()))
        });
        match told {
            Err(_) if other.has_ended() => None,
            told => Some(told.map(|()| other)),
        }
    }

    fn relate_to_parent(&self, run: &Run, order: &Order) -> Result<(), Failure> {
        let Some(parent) = order.parent.as_ref().filter(|_| order.link || order.monitor) else {
            return Ok(());
        };
        let gone = || Failure::new(Kind::Canceled, "the process that starts another one has ended");
        let parent = self.runs.by_number(parent.number).ok_or_else(gone)?;
        for (is_wanted, relation) in [(order.link, Relation::Link), (order.monitor, Relation::Monitor)] {
            match is_wanted.then(|| self.runs.relate(&parent, run, relation)) {
                // It was before: the name stood for it then, too.
                Some(Err(failure)) if failure.kind == Kind::AlreadyExists => {}
                Some(related) => related?,
                None => {}
            }
        }
        Ok(())
    }

    fn process_host(&self, id: &str) -> Result<Arc<ProcessHost>, Failure> {
        // Every spawn comes by here; what is wrong is looked for where something is.
        self.modules.resources.get(id).map_err(|failure| match EntryId::parse(id) {
            Err(_) => {
                Failure::not_found(format!("host not found: `{id}` is no entry id such as `app:processes`"))
            }
            Ok(parsed) if self.registry.snapshot().get(&parsed).is_none() => {
                Failure::not_found(format!("host not found: there is no entry {id}"))
            }
            Ok(_) => failure,
        })
    }

    /// The process that an id names.
    pub(crate) fn process_entry(&self, id: &str) -> Result<Target, Failure> {
        let target = self.find(id).map_err(|failure| match failure.kind {
            Kind::NotFound => Failure::not_found(format!("factory not found: {}", failure.message)),
            _ => failure,
        })?;
        if !matches!(target.kind(), PROCESS | PROCESS_WASM) {
            let message = format!("{id} is a {}, not a process", target.kind());
            return Err(Failure::invalid(message));
        }
        Ok(target)
    }
}
