//! A real Temporal server, scripted workflows, and another SDK.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, in its helpers too")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod activities;
mod basics;
mod children;
mod codes;
mod connection;
mod foreign;
mod payloads;
mod recorded;
mod restarts;
mod support;
mod tls;
