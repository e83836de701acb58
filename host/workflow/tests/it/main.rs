//! The vocabulary of workflows.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, in its helpers too")]

mod codes;
mod retry;
mod wire;
