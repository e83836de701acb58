//! Components as untrusted code: what they are given, what they are refused, and how they end.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, in its helpers too")]

mod commands;
mod grants;
mod hostile;
mod limits;
mod messages;
mod network;
mod support;
mod values;
