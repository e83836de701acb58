//! HTTP servers whose endpoints are functions.
//!
//! An `http.service` listens; `http.router`, `http.endpoint` and `http.static` entries say what it answers. A request becomes an
//! [`Exchange`], which a call of the endpoint's function carries, and which module `http` shows to Lua. This crate knows neither
//! Lua nor wasm: it calls functions through [`Invoke`](perilune_resource::Invoke).
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `service.rs`, `settings.rs` | the kind `http.service`: [`HttpService`] |
//! | `server.rs`, `connection.rs` | what accepts connections, and what one of them does |
//! | `watch.rs`, `streams.rs` | how long a connection may take for what, and a stream of HTTP/2 |
//! | `tls.rs` | encryption |
//! | `router.rs`, `pattern.rs`, `static_files.rs` | the kinds `http.router`, `http.endpoint`, `http.static` |
//! | `table.rs`, `current.rs` | the routes of one version of the registry, and of the present one |
//! | `conflicts.rs` | entries that want the same path |
//! | `serve.rs`, `middleware/` | from a request to whoever answers it |
//! | `endpoint.rs`, `error.rs` | the call of a function, and what becomes of its outcome |
//! | `exchange.rs`, `incoming.rs`, `multipart.rs` | what a handler sees of its request |
//! | `reply.rs`, `body.rs` | a response while it is made, and while it is sent |
//! | `message.rs` | [`Request`] and [`Response`] as middleware sees them |

mod body;
mod conflicts;
mod connection;
mod current;
mod endpoint;
mod error;
mod exchange;
mod incoming;
mod message;
pub mod middleware;
mod multipart;
mod pattern;
mod reply;
mod router;
mod serve;
mod server;
mod service;
mod settings;
mod static_files;
mod streams;
mod table;
mod tls;
mod watch;

pub use body::{Body, BodyError};
pub use error::ERROR_ID;
pub use exchange::{BodyLimits, BodyReader, Exchange, not_entered};
pub use incoming::{ReadError, RequestBody};
pub use message::{Connection, Matched, Params, Request, Response, empty, refusal};
pub use multipart::{Form, Upload};
pub use reply::{BUFFERED, Reply, Transfer};
pub use service::HttpService;

use perilune_resource::ResourceKind;

/// The kinds of entries that servers are made of.
pub const KINDS: &[ResourceKind] = &[service::KIND, router::ROUTER, router::ENDPOINT, static_files::KIND];
