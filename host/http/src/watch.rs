//! What a connection may take its time for.
//!
//! | state | ends after |
//! |---|---|
//! | no request under way, nothing sent | the idle timeout |
//! | headers have begun to come | the header timeout |
//! | the client does not take what is sent to it | the write timeout |
//! | a request under way | nothing here: bodies and calls have limits of their own |
//!
//! A timer is set for what the connection waits for now and looked at again when it fires, so that requests in quick succession
//! cost none.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) header: Duration,
    pub(crate) idle: Duration,
    pub(crate) write: Duration,
}

/// What happens on a connection. Times are milliseconds after its begin, and 0 stands for none.
#[derive(Debug)]
pub(crate) struct Watch {
    began: Instant,
    in_flight: AtomicU32,
    /// When the last request ended.
    idle_since: AtomicU64,
    /// When headers began to come.
    head_since: AtomicU64,
    /// Since when the client takes nothing.
    stalled_since: AtomicU64,
    /// Over HTTP/2 whatever comes may be anything, and a header's frames come together.
    is_http2: AtomicBool,
}

/// What is to be done when a deadline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Let the connection end by itself: nobody waits for anything.
    Gently,
    /// Close it.
    Now,
}

impl Watch {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Watch {
            began: Instant::now(),
            in_flight: AtomicU32::new(0),
            idle_since: AtomicU64::new(1),
            // The first header is due from the beginning.
            head_since: AtomicU64::new(1),
            stalled_since: AtomicU64::new(0),
            is_http2: AtomicBool::new(false),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn after(&self, since: u64, patience: Duration) -> Instant {
        // A century is for ever.
        let patience = patience.min(Duration::from_secs(3_000_000_000));
        self.began + Duration::from_millis(since) + patience
    }

    /// A request whose headers are complete.
    pub(crate) fn request(self: &Arc<Self>, is_http2: bool) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        if is_http2 {
            self.is_http2.store(true, Ordering::Relaxed);
        }
        InFlight(self.clone())
    }

    fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    fn has_read(&self) {
        if !self.is_busy()
            && !self.is_http2.load(Ordering::Relaxed)
            && self.head_since.load(Ordering::Relaxed) == 0
        {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// When the connection must have got on, and what happens otherwise.
    pub(crate) fn deadline(&self, patience: &Patience) -> Option<(Instant, End)> {
        let stalled = self.stalled_since.load(Ordering::Relaxed);
        if stalled > 0 {
            return Some((self.after(stalled, patience.write), End::Now));
        }
        if self.is_busy() {
            return None;
        }
        match self.head_since.load(Ordering::Relaxed) {
            0 => Some((self.after(self.idle_since.load(Ordering::Relaxed), patience.idle), End::Gently)),
            head => Some((self.after(head, patience.header), End::Now)),
        }
    }
}

/// A request under way, until its response is gone.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Watch>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that tells its watch what happens.
pub(crate) struct Watched<S> {
    socket: S,
    watch: Arc<Watch>,
}

impl<S> Watched<S> {
    pub(crate) fn new(socket: S, watch: Arc<Watch>) -> Self {
        Watched { socket, watch }
    }

    fn progress<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let stalled = &self.watch.stalled_since;
        match polled {
            Poll::Pending if stalled.load(Ordering::Relaxed) == 0 => {
                stalled.store(self.watch.now(), Ordering::Relaxed);
            }
            Poll::Pending => {}
            Poll::Ready(_) => stalled.store(0, Ordering::Relaxed),
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.watch.has_read();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.progress(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_flush(context);
        self.progress(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_shutdown(context);
        self.progress(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.progress(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
