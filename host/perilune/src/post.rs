//! Messages between cells and what is none, such as the connection of a client.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::{Arrival, Event, Message};
use perilune_process::{Birth, Born, Nature, Table};
use perilune_resource::{Deliver, Letter, Mailbox};
use perilune_value::{Failure, Value, args_from_msgpack, args_to_msgpack};
use std::sync::Arc;
use std::time::Instant;

/// Delivers by the pids of a host.
pub(crate) struct ByPids(pub(crate) Arc<Table>);

impl Deliver for ByPids {
    fn open(&self, host: &str) -> Box<dyn Mailbox> {
        let host = host.into();
        let born = self.0.begin(Birth {
            nature: Nature::Outside,
            host: &host,
            entry: &host,
            code: None,
            actor: None,
            parent: None,
            began: Instant::now(),
            messages: Table::MESSAGES,
            bytes: Table::BYTES,
        });
        Box::new(Open { pid: born.run.pid.to_string(), born })
    }

    fn send(&self, from: &str, to: &str, topic: &str, payloads: &[Value]) -> Result<(), Failure> {
        let payloads = args_to_msgpack(payloads);
        let message = Message { topic: topic.to_owned(), sender: from.to_owned(), payloads };
        self.0.send(&*self.0.find(to)?, message)
    }

    fn ended(&self, pid: &str) -> BoxFuture<'static, ()> {
        let outcome = self.0.find(pid).map(|run| run.outcome());
        async move {
            if let Ok(outcome) = outcome {
                let _ = outcome.await;
            }
        }
        .boxed()
    }
}

struct Open {
    pid: String,
    born: Born,
}

impl Mailbox for Open {
    fn pid(&self) -> &str {
        &self.pid
    }

    fn receive(&mut self) -> BoxFuture<'_, Letter> {
        async move {
            loop {
                match self.born.mailbox.receive().await {
                    Arrival::Event(Event::Message(Message { topic, sender, payloads })) => {
                        // Senders have been kept to values already.
                        let payloads = args_from_msgpack(&payloads).unwrap_or_default();
                        return Letter { topic, sender, payloads };
                    }
                    // It starts no operations.
                    Arrival::Event(Event::Completed(_)) => {}
                    Arrival::Killed(_) | Arrival::Nothing => std::future::pending().await,
                }
            }
        }
        .boxed()
    }
}
