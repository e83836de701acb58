//! The chores of this repository behind one command, `cargo xtask`.
//!
//! # Layout
//!
//! * [`workspace`]: where the repository and its target directory are, and how cargo is called
//! * [`pins`]: the wasm C compiler's version and the hashes it may have
//! * [`setup`]: fetches that compiler
//! * [`checks`]: formatting, lints, tests
//! * [`servers`]: real databases and a browser for the tests
//! * [`bench`]: benchmarks and where their reports go
//! * [`tally`]: one total for the many summaries of `cargo test`
//! * [`transcript`]: Markdown files whose `console` blocks can be run and compared
//! * [`session`], [`curl`]: what runs them
//! * [`page`]: pages of documentation as such files; [`links`]: what they refer to
//! * [`demo`]: shows `examples/` at work through their transcripts
//!
//! It is a library too, so that the command line's own tests can check the same transcripts. It knows nothing
//! about the crates it builds, and never depends on wasmtime: it must compile in seconds on an empty machine.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "speaking to the terminal is what it is for")]

pub mod bench;
pub mod checks;
pub mod curl;
pub mod demo;
pub mod languages;
pub mod links;
pub mod lua_checker;
pub mod page;
pub mod pins;
pub mod pip;
pub mod servers;
pub mod session;
pub mod setup;
pub mod tally;
pub mod transcript;
pub mod workspace;
