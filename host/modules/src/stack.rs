//! A deep stack for libraries that recurse over what cells give them.

use perilune_value::{Failure, Kind};

/// Only what is used takes memory.
const STACK: usize = 256 << 20;

/// Runs on a thread of its own: calls from a cell run on its small stack. Starting it takes some 20 µs.
///
/// # Errors
///
/// Those of the work, `Internal` when it panics, `Unavailable` when the system has no thread.
pub(crate) fn on_large_stack<T: Send>(
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("perilune-deep".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, work) {
            Ok(running) => running.join().unwrap_or_else(|_| Err(Failure::internal("the library panicked"))),
            Err(error) => {
                Err(Failure::new(Kind::Unavailable, format!("no thread for deep recursion: {error}")))
            }
        }
    })
}
