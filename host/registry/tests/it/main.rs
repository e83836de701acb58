//! What the registry promises, one test each.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, in its helpers too")]

mod apply;
mod bad_input;
mod codes;
mod components;
mod decode;
mod filter;
mod load;
mod pools;
mod properties;
mod references;
mod reload;
mod support;
mod versions;
