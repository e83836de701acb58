//! Servers, over real connections. Their functions are written in Rust; what Lua sees of them is tested with the sandbox.

mod bodies;
mod connections;
mod files;
mod hostile;
mod hostile_http2;
mod lifecycle;
mod middleware;
mod outcomes;
mod routing;
mod streaming;
mod support;
mod tls;
