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
//! | `service.rs`, `lifecycle.rs` | [`Service`] and its [`Lifecycle`] |
//! | `supervision/` | [`Services`]: starting all in order, keeping them running, and stopping them; groups of services, and processes as services |
//! | `guard.rs` | panics as failures |
//! | `security.rs` | [`Security`]: what a service's calls act with, from `lifecycle.security`; `Security::of(opening, &lifecycle)` in `open`, [`Security::authority`] for each call |
//! | `placeholder.rs` | `${env:NAME}` in the fields of entries |
//! | `allowed.rs` | [`Allowed`]: what the host lets entries reach outside |
//! | `invoke.rs` | [`Invoke`]: how a service calls functions |
//! | `post.rs` | [`Post`]: messages between processes and what is none |
//! | `spawn.rs` | [`Spawn`]: how a service starts a process |
//! | `stream.rs` | [`Stream`]: bytes that come or go piece by piece |
//! | `work.rs` | [`in_proportion`]: work that grows with what a cell hands in |
//! | `shared.rs` | [`Shared`]: what exists once in a host |

mod allowed;
mod basis;
mod guard;
mod invoke;
pub mod kind;
mod lifecycle;
mod placeholder;
mod post;
mod resources;
mod security;
mod service;
mod shared;
mod spawn;
pub mod stream;
pub mod supervision;
mod work;

pub use allowed::Allowed;
pub use basis::Stamp;
pub use invoke::{Attachment, Invocation, Invoke};
pub use kind::{Opened, Opening, ResourceKind};
pub use lifecycle::{LIFECYCLE, Lifecycle, Startup};
pub use post::{Deliver, Letter, Mailbox, Post};
pub use resources::{Host, Resources, Variables};
pub use security::Security;
pub use service::{Ended, Service};
pub use shared::Shared;
pub use spawn::{Child, Spawn, SpawnOrder, Spawner};
pub use stream::Stream;
pub use supervision::{KINDS, ServiceState, Services, Status};
pub use work::in_proportion;
