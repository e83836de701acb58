//! Work whose length a cell decides by what it hands in.

use perilune_value::Failure;

/// Bytes whose checking or converting takes less than a millisecond, which is not worth another thread.
const LITTLE: usize = 256 << 10;

/// Does work that takes time in proportion to so many bytes: much of it on a thread that may block, so that it holds up nobody
/// who shares this one.
///
/// # Errors
///
/// What the work fails with, and `Internal` when it panicked.
pub async fn in_proportion<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    if bytes <= LITTLE {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::internal("the host failed while it worked on a large value")),
    }
}
