//! Responses over HTTP/2 that nobody takes.
//!
//! The connection itself does not show them: each stream has a window of its own, and a client that leaves one shut may take
//! everything else. A stream whose client takes nothing for the write timeout is reset, and its call ends with it; the others of
//! the connection go on.

use hyper::rt::Executor;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    /// That of the stream whose task this is.
    static STALL: Arc<Stall>;
}

/// Runs the streams of HTTP/2 connections, each on a task of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    /// How long a client may take nothing.
    pub(crate) patience: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let stall = Arc::new(Stall::new());
        tokio::spawn(STALL.scope(stall.clone(), watch(stream, stall, self.patience)));
    }
}

/// Ends with the stream, or drops it when its client has taken nothing for too long.
async fn watch<F: Future>(stream: F, stall: Arc<Stall>, patience: Duration) {
    let mut stream = pin!(stream);
    // Nearly all streams end before one is needed.
    let mut timer = None;
    poll_fn(|context| {
        // What stalls a stream happens on this task, so nothing else has to wake it.
        if stream.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let Some(since) = stall.since() else { return Poll::Pending };
        let deadline = since + patience;
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    })
    .await;
}

/// Since when the client of a stream takes nothing. It is used by the stream's task only.
#[derive(Debug)]
pub(crate) struct Stall {
    began: Instant,
    /// Milliseconds after the begin; 0 for never.
    since: AtomicU64,
}

impl Stall {
    fn new() -> Self {
        Stall { began: Instant::now(), since: AtomicU64::new(0) }
    }

    /// That of the stream that this task runs, if it runs one.
    pub(crate) fn of_this_task() -> Option<Arc<Stall>> {
        STALL.try_with(Arc::clone).ok()
    }

    /// There is something for the client now.
    pub(crate) fn begin(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(now.max(1), Ordering::Relaxed);
    }

    /// The client has taken everything, and waits for more.
    pub(crate) fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    fn since(&self) -> Option<Instant> {
        match self.since.load(Ordering::Relaxed) {
            0 => None,
            since => Some(self.began + Duration::from_millis(since)),
        }
    }
}
