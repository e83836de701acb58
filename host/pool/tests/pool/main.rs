//! What a pool promises, on simulated time.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, in its helpers too")]

mod adaptive;
mod closing;
mod failures;
mod idle;
mod inline;
mod model;
mod queue;
mod stats;
mod support;
mod threads;
mod types;
mod workers;
