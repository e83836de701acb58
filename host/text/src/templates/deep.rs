//! A stack that is deep enough.
//!
//! The engine recurses where a template chains operators (`1+1+…`) and where values hold values; neither is bounded by it, and a
//! stack that overflows ends the host. What bounds both is the length of templates and the fuel.

use perilune_value::{Failure, Kind};
use std::thread;

/// Bytes of stack; the system gives only what is used. Measured: 48 MiB for a template of 128 KiB of minus
/// signs; 80 MiB for printing a value that all fuel made as deep as it could.
const STACK: usize = 256 << 20;

/// Runs on such a stack.
///
/// # Errors
///
/// `Unavailable` when there is no thread to be had, `Internal` when the work panicked.
pub(super) fn run<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    thread::scope(|scope| {
        let thread =
            thread::Builder::new().name("templates".to_owned()).stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| {
            Failure::new(Kind::Unavailable, format!("no thread to render on: {error}")).with_retryable(true)
        })?;
        thread.join().map_err(|_| Failure::internal("the template engine failed"))
    })
}
