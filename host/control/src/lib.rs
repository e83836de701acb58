//! A running application answers its operator on a local socket.
//!
//! Both sides find the socket by the application's directory alone. It lies in a folder that only the user can enter, which is what
//! guards it: whoever connects may do everything that the protocol offers.
//!
//! A request is a line of JSON, and so is its reply; a connection carries as many as it likes, one after another.
//!
//! ```json
//! {"version":1,"do":"send","pid":"counter","topic":"add","values":[1]}
//! {"version":1,"ok":null}
//! {"version":1,"do":"inspect","pid":"nobody"}
//! {"version":1,"error":{"code":"NotFound","message":"could not resolve 'nobody' as PID or registered name"}}
//! ```
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `protocol.rs` | [`Order`], [`Listing`]: what is asked and answered |
//! | `place.rs` | where the socket lies |
//! | `server.rs` | [`serve`]: the side that answers |
//! | `conversation.rs` | one connection: its limits in size and time |
//! | `workflow.rs` | orders about workflows, also for an application that does not run |
//! | `answer.rs` | from a line to its reply |
//! | `client.rs` | [`ask`]: the side that asks |
//! | `error.rs` | [`ControlError`] |

#[cfg(unix)]
mod answer;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod conversation;
mod error;
#[cfg(unix)]
mod place;
mod protocol;
#[cfg(unix)]
mod server;
#[cfg(not(unix))]
mod unsupported;
pub mod workflow;

#[cfg(unix)]
pub use client::ask;
pub use error::ControlError;
#[cfg(unix)]
pub use place::{check_folder, folders, use_folder};
pub use protocol::{Application, Listing, Order, VERSION};
#[cfg(unix)]
pub use server::{Server, serve};
#[cfg(not(unix))]
pub use unsupported::{Server, ask, check_folder, folders, serve, use_folder};
