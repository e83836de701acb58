//! Messages between cells and what is none, such as the connection of a client.

use crate::pids::{Pids, Running};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::{Event, Message};
use perilune_resource::{Deliver, Letter, Mailbox};
use perilune_value::{Failure, Value, args_from_msgpack, args_to_msgpack};
use std::sync::Arc;
use std::time::Instant;

/// Delivers by the pids of a host.
pub(crate) struct ByPids(pub(crate) Arc<Pids>);

impl Deliver for ByPids {
    fn open(&self, host: &str) -> Box<dyn Mailbox> {
        let running = self.0.register(&host.into(), &host.into(), None, Instant::now());
        Box::new(Open { pid: running.pid.to_string(), running })
    }

    fn send(&self, from: &str, to: &str, topic: &str, payloads: &[Value]) -> Result<(), Failure> {
        let payloads = args_to_msgpack(payloads);
        let message = Message { topic: topic.to_owned(), sender: from.to_owned(), payloads };
        self.0.deliver(to, Event::Message(message))
    }

    fn ended(&self, pid: &str) -> BoxFuture<'static, ()> {
        self.0.ended(pid).boxed()
    }
}

struct Open {
    pid: String,
    running: Running,
}

impl Mailbox for Open {
    fn pid(&self) -> &str {
        &self.pid
    }

    fn receive(&mut self) -> BoxFuture<'_, Letter> {
        async move {
            loop {
                match self.running.mailbox.receive().await {
                    Some(Event::Message(Message { topic, sender, payloads })) => {
                        // Senders have been kept to values already.
                        let payloads = args_from_msgpack(&payloads).unwrap_or_default();
                        return Letter { topic, sender, payloads };
                    }
                    // Nobody cancels it, and it starts no operations.
                    Some(_) => {}
                    None => std::future::pending().await,
                }
            }
        }
        .boxed()
    }
}
