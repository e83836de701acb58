//! What a pool promises, on simulated time.

mod adaptive;
mod closing;
mod failures;
mod idle;
mod inline;
mod model;
mod queue;
mod stats;
mod support;
mod types;
mod workers;
