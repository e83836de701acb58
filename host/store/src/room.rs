//! How much memory a reader has for what it reads.

use perilune_value::{Failure, Kind};

/// Who says how much memory what is read may take. It is asked before the memory is used.
pub trait Room: Send + Sync {
    /// Takes so many bytes more; false when that is too much.
    fn take(&self, bytes: usize) -> bool;

    /// Gives back all that was taken: what was read is not wanted.
    fn give_back(&self);
}

/// As much as it takes. For readers in the host, who know what they stored.
pub(crate) struct AnyRoom;

impl Room for AnyRoom {
    fn take(&self, _: usize) -> bool {
        true
    }

    fn give_back(&self) {}
}

/// Takes bytes of a room.
///
/// # Errors
///
/// `RateLimited` when that is too much.
pub(crate) fn take(room: &dyn Room, bytes: usize) -> Result<(), Failure> {
    if room.take(bytes) {
        return Ok(());
    }
    let message = "what was read and not yet taken exceeds the caller's `limits.memory`";
    Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "memory"))
}
