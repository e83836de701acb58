//! Queues, consumers and the event bus by themselves, on a clock that stands still unless it is moved.

mod consumers;
mod events;
mod model;
mod queues;
mod support;
