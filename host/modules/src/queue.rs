//! Module `queue`: publishing messages, and the message that a call is for.

use crate::CallContext;
use crate::bindings::{Answer, answer, queue as wit};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Module, Ticket};
use perilune_queue::{Delivery, Headers, Queue};
use perilune_resource::in_proportion;
use perilune_value::{Failure, Packed, Value};
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "queue",
    summary: "Publishes messages to queues; settles the one that a consumer's call is for.",
    classes: &[Class::Io, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// The message of a handle.
fn delivery(state: &CellState, handle: Handle) -> Result<Arc<Delivery>, Failure> {
    Ok(state.handles.get::<Arc<Delivery>>(handle, "message")?.as_ref().clone())
}

impl wit::Host for CellState {
    fn start_publish(&mut self, queue: String, data: Vec<u8>, headers: Vec<u8>) -> wasmtime::Result<Ticket> {
        let reserved = self.hold(data.len() + headers.len())?;
        let context = CallContext::of(self)?;
        let queue = context
            .check("queue.publish", "")
            .and_then(|()| context.check("queue.publish.queue", &queue))
            .and_then(|()| context.resource::<Queue>(&queue));
        self.tickets.start(async move {
            let _reserved = reserved;
            let queue = queue?;
            let (data, headers) = in_proportion(data.len() + headers.len(), move || {
                Ok((Packed::new(data)?, Headers::new(Value::from_msgpack(&headers)?)?))
            })
            .await?;
            queue.publish(data, headers).await.map(drop)
        })
    }

    fn take_publish(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn message(&mut self) -> Answer<wit::Delivery> {
        let Some(delivery) = CallContext::of(self)?.attachment::<Delivery>() else {
            let message = "there is no message: a queue's consumer did not make this call";
            return answer(Err(Failure::invalid(message)));
        };
        let (id, headers) = (delivery.message().id.to_string(), delivery.headers().to_msgpack());
        answer(self.handles.insert(Arc::new(delivery)).map(|handle| wit::Delivery { handle, id, headers }))
    }

    fn ack(&mut self, of: Handle) -> Answer<()> {
        answer(delivery(self, of).and_then(|delivery| delivery.ack()))
    }

    fn nack(&mut self, of: Handle) -> Answer<()> {
        answer(delivery(self, of).and_then(|delivery| delivery.nack("the function refused it")))
    }

    fn info(&mut self, queue: String) -> Answer<wit::Counts> {
        let context = CallContext::of(self)?;
        let queue = context.check("queue.info", &queue).and_then(|()| context.resource::<Queue>(&queue));
        answer(queue.map(|queue| {
            let info = queue.info();
            wit::Counts {
                message_count: info.messages as u64,
                consumer_count: info.consumers as u64,
                ready: info.ready,
            }
        }))
    }
}
