//! Bytes that come or go piece by piece: bodies, files, pipes.

use futures_util::future::BoxFuture;
use perilune_value::Failure;
use std::any::Any;

/// Where a seek counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The beginning.
    Set,
    /// The present position.
    Current,
    /// The end.
    End,
}

/// What is known of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Bytes in all, where known.
    pub size: Option<u64>,
    /// Bytes passed so far.
    pub position: u64,
    /// Whether `read` works.
    pub readable: bool,
    /// Whether `write` works.
    pub writable: bool,
    /// Whether `seek` works.
    pub seekable: bool,
}

/// A stream of bytes. What a stream does not offer fails as `Internal`. Implementations bound what they buffer; operations on
/// one stream may be started while another is under way and then take their turn.
pub trait Stream: Any + Send + Sync {
    /// At least one byte and at most `most`; `None` at the end.
    fn read(&self, most: usize) -> BoxFuture<'static, Result<Option<Vec<u8>>, Failure>> {
        let _ = most;
        unsupported("read from")
    }

    /// Writes all of it.
    fn write(&self, data: Vec<u8>) -> BoxFuture<'static, Result<(), Failure>> {
        drop(data);
        unsupported("write to")
    }

    /// Moves to an offset and returns the new position.
    fn seek(&self, whence: Whence, offset: i64) -> BoxFuture<'static, Result<u64, Failure>> {
        let _ = (whence, offset);
        unsupported("seek in")
    }

    /// Hands on what is buffered.
    fn flush(&self) -> BoxFuture<'static, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }

    /// Ends the stream; ending it again changes nothing.
    fn close(&self) -> BoxFuture<'static, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }

    /// What is known of it.
    fn stat(&self) -> Stat;
}

fn unsupported<T: Send + 'static>(what: &'static str) -> BoxFuture<'static, Result<T, Failure>> {
    Box::pin(async move { Err(Failure::internal(format!("cannot {what} this stream"))) })
}
