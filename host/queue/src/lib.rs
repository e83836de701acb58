//! Queues with consumers, and the event bus.
//!
//! A [`Queue`] takes messages and hands them out, each as a [`Delivery`] that is settled once: acknowledged, and gone, or put
//! back, and delivered again after a while. Whoever drops a delivery unsettled puts it back, so that nothing is lost while the
//! host lives. A [`Bus`] passes events on to whoever listens at that moment, and keeps none.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `message.rs`, `headers.rs`, `codec.rs` | [`Message`]: what is published |
//! | `fifo.rs`, `retry.rs` | the bounded row of messages behind a queue; when one that failed is delivered again |
//! | `driver.rs` | kind `queue.driver.memory`: where rows of messages live |
//! | `queue.rs` | kind `queue.queue`: [`Queue`] |
//! | `delivery.rs` | [`Delivery`]: one message in somebody's hands |
//! | `consumer.rs` | kind `queue.consumer`: the service that calls a function with each message |
//! | `events.rs`, `pattern.rs` | [`Bus`]: events and who listens to them |
//! | `changes.rs` | changes of the registry as events |

mod changes;
mod codec;
mod consumer;
mod delivery;
mod driver;
mod events;
mod fifo;
mod headers;
mod message;
mod pattern;
mod queue;
mod retry;

pub use changes::{SYSTEM as CHANGES, announce_changes};
pub use codec::Codec;
pub use consumer::Consumer;
pub use delivery::Delivery;
pub use driver::Driver;
pub use events::{Bus, Event, Subscription};
pub use headers::Headers;
pub use message::Message;
pub use pattern::Pattern;
pub use queue::{Info, Queue};

use perilune_resource::ResourceKind;

/// The kinds of entries that queues are made of.
pub const KINDS: &[ResourceKind] = &[driver::KIND, queue::KIND, consumer::KIND];
