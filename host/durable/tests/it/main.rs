//! Durable workflows on one SQLite file.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, in its helpers too")]

mod activities;
mod basics;
mod children;
mod crash;
mod policies;
mod programs;
mod script;
mod speed;
mod store;
mod trouble;
mod world;
