//! What is made from entries that hold no Lua: databases, stores, directories, queues, servers.
//!
//! A crate that offers such a thing describes it as a [`ResourceKind`]: the fields of its entries, and how one is opened.
//! [`Resources`] opens each entry once, when somebody first asks for it, and again after the entry or one that it refers to
//! has changed. What runs by itself, such as a server, is a [`Service`] besides, which [`Services`] starts and stops.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `kind.rs` | [`ResourceKind`], [`Opening`]: how an entry becomes a live thing |
//! | `resources.rs` | [`Resources`]: the live things of a host |
//! | `basis.rs` | what each was made from; [`Stamp`]: changes of what is no entry |
//! | `service.rs`, `services.rs`, `plan.rs` | [`Service`] and its [`Lifecycle`]; starting and stopping all, in which order |
//! | `guard.rs` | panics as failures |
//! | `status.rs` | [`Status`]: what has become of a service |
//! | `security.rs` | [`Security`]: what a service's calls act with, from `lifecycle.security`; `Security::of(opening, &lifecycle)` in `open`, [`Security::authority`] for each call |
//! | `placeholder.rs` | `${env:NAME}` in the fields of entries |
//! | `allowed.rs` | [`Allowed`]: what the host lets entries reach outside |
//! | `invoke.rs` | [`Invoke`]: how a service calls functions |
//! | `post.rs` | [`Post`]: messages between processes and what is none |
//! | `stream.rs` | [`Stream`]: bytes that come or go piece by piece |
//! | `work.rs` | [`in_proportion`]: work that grows with what a cell hands in |
//! | `shared.rs` | [`Shared`]: what exists once in a host |

mod allowed;
mod basis;
mod guard;
mod invoke;
pub mod kind;
mod placeholder;
mod plan;
mod post;
mod resources;
mod security;
mod service;
mod services;
mod shared;
mod status;
pub mod stream;
mod work;

pub use allowed::Allowed;
pub use basis::Stamp;
pub use invoke::{Attachment, Invocation, Invoke};
pub use kind::{Opened, Opening, ResourceKind};
pub use post::{Deliver, Letter, Mailbox, Post};
pub use resources::{Host, Resources, Variables};
pub use security::Security;
pub use service::{LIFECYCLE, Lifecycle, Service, Startup};
pub use services::Services;
pub use shared::Shared;
pub use status::{ServiceState, Status};
pub use stream::Stream;
pub use work::in_proportion;
