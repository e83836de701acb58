//! What happens to a cell between two turns.

use crate::Ticket;

/// What happened since the last turn.
#[derive(Clone, Debug)]
pub enum Event {
    /// The operation ended; its `take-…` has the outcome.
    Completed(Ticket),
    /// A message came.
    Message(Message),
}

/// A message for a topic of a cell.
#[derive(Clone, Debug)]
pub struct Message {
    /// Whom it is for within the cell.
    pub topic: String,
    /// Pid of the sender; empty when the host itself sent it.
    pub sender: String,
    /// Its values: MessagePack, an array.
    pub payloads: Vec<u8>,
}

/// Events as `turn` of `wit/guest.wit` takes them: one after the other in one list, because each string or list that crosses has the
/// guest asked for room, and a message would be three of them.
pub(crate) fn to_wire(events: &[Event]) -> Vec<u8> {
    let mut out = Vec::with_capacity(events.iter().map(wire_size).sum());
    for event in events {
        match event {
            Event::Completed(ticket) => {
                out.push(0);
                out.extend_from_slice(&ticket.to_le_bytes());
            }
            Event::Message(message) => {
                out.push(1);
                let parts = [message.topic.as_bytes(), message.sender.as_bytes(), &message.payloads];
                for part in parts {
                    // A mailbox takes less than 4 GiB.
                    out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
                }
                parts.into_iter().for_each(|part| out.extend_from_slice(part));
            }
        }
    }
    out
}

fn wire_size(event: &Event) -> usize {
    match event {
        Event::Completed(_) => 9,
        Event::Message(message) => 13 + message.topic.len() + message.sender.len() + message.payloads.len(),
    }
}
