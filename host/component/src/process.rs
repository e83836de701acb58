//! The interface `perilune:component/process`.

use crate::call::Act;
use crate::state::State;
use crate::texts::{Answer, answer};
use perilune_cell::{Arrival, Death, Event, Message};
use perilune_value::{Value, json};
use std::time::Duration;
use wasmtime::component::{HasSelf, Linker};

mod bindings {
    #![allow(missing_docs, reason = "generated from wit/, which documents it")]
    #![allow(clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package perilune:host;
            world imports {
                import perilune:component/process@0.1.0;
            }
        ",
        world: "perilune:host/imports",
        imports: {
            "perilune:component/process@0.1.0.receive": async | trappable,
            "perilune:component/process@0.1.0.send": async | trappable,
            "perilune:component/process@0.1.0.spawn": async | trappable,
            default: trappable,
        },
    });
}

use bindings::perilune::component::process as wit;

/// Longer than this nobody waits for a message without saying that it is for ever.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

/// MessagePack of another run as JSON. What JSON cannot say is said so.
fn texts(payloads: &[u8]) -> String {
    json::encode_from_msgpack(payloads).unwrap_or_else(|failure| {
        let error = Value::from_iter([("error", Value::from(failure.message))]);
        json::encode(&Value::Array(vec![error])).unwrap_or_else(|_| "[]".to_owned())
    })
}

fn message(message: Message) -> wit::Message {
    let Message { topic, sender, payloads } = message;
    wit::Message { topic, sender, payloads: texts(&payloads) }
}

impl wit::Host for State {
    fn pid(&mut self) -> wasmtime::Result<String> {
        Ok(self.identity.pid.to_string())
    }

    fn id(&mut self) -> wasmtime::Result<String> {
        Ok(self.identity.entry.to_string())
    }

    async fn receive(&mut self, timeout: Option<u64>) -> wasmtime::Result<Option<wit::Message>> {
        self.peers.waits(self.memory());
        let arrival = match timeout {
            None => Some(self.inbox.receive().await),
            Some(most) => {
                let most = Duration::from_millis(most).min(LONGEST);
                tokio::time::timeout(most, self.inbox.receive()).await.ok()
            }
        };
        self.goes_on().await?;
        match arrival {
            Some(Arrival::Event(Event::Message(arrived))) => Ok(Some(message(arrived))),
            Some(Arrival::Killed(reason)) => Err(wasmtime::Error::new(Death::Killed(reason))),
            Some(Arrival::Nothing) => {
                let death = Death::Trap("the component waits for a message that cannot come".to_owned());
                Err(wasmtime::Error::new(death))
            }
            // Operations of cells have no place in this mailbox.
            Some(Arrival::Event(Event::Completed(_))) | None => Ok(None),
        }
    }

    async fn send(&mut self, to: String, topic: String, payloads: String) -> Answer<()> {
        answer(match self.values(&payloads) {
            Ok(payloads) => self.peers.send(to, topic, payloads).await,
            Err(failure) => Err(failure),
        })
    }

    async fn spawn(&mut self, entry: String, host: String, arguments: String) -> Answer<String> {
        answer(match self.values(&arguments) {
            Ok(args) => self.peers.spawn(entry, host, args).await,
            Err(failure) => Err(failure),
        })
    }

    fn cancel(&mut self, whom: String, reason: Option<String>) -> Answer<()> {
        answer(self.peers.act(&whom, Act::Cancel(reason)))
    }

    fn terminate(&mut self, whom: String) -> Answer<()> {
        answer(self.peers.act(&whom, Act::Terminate))
    }

    fn monitor(&mut self, whom: String) -> Answer<()> {
        answer(self.peers.act(&whom, Act::Monitor(true)))
    }

    fn unmonitor(&mut self, whom: String) -> Answer<()> {
        answer(self.peers.act(&whom, Act::Monitor(false)))
    }

    fn link(&mut self, whom: String) -> Answer<()> {
        answer(self.peers.act(&whom, Act::Link(true)))
    }

    fn unlink(&mut self, whom: String) -> Answer<()> {
        answer(self.peers.act(&whom, Act::Link(false)))
    }

    fn trap_links(&mut self, trap: bool) -> wasmtime::Result<()> {
        self.peers.trap_links(trap);
        Ok(())
    }

    fn register(&mut self, name: String) -> Answer<()> {
        answer(self.peers.register(&name))
    }

    fn unregister(&mut self, name: String) -> Answer<bool> {
        answer(self.peers.unregister(&name))
    }

    fn lookup(&mut self, name: String) -> Answer<String> {
        answer(self.peers.lookup(&name))
    }
}
