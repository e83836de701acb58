//! Queues with consumers, and the event bus.
