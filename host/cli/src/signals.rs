//! Being asked to end.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, and SIGTERM where there is such a thing. From its creation on no request is missed: one that arrives while
/// nobody waits is found by the next that does.
pub(crate) struct Signals {
    #[cfg(unix)]
    listened: Vec<Signal>,
}

impl Signals {
    /// Must be called within an asynchronous runtime.
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        // A signal without a handler ends the process at once, which is what was asked for.
        Self { listened: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Self {
        Self {}
    }

    /// Waits until the process is asked to end.
    #[cfg(unix)]
    pub(crate) async fn end(&mut self) {
        std::future::poll_fn(|context| {
            let mut asked = self.listened.iter_mut().map(|signal| signal.poll_recv(context));
            if asked.any(|poll| poll.is_ready()) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }

    #[cfg(not(unix))]
    pub(crate) async fn end(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
