//! Being asked to end.

use tokio::signal::ctrl_c;

/// Waits for Ctrl-C, or for SIGTERM where there is such a thing.
pub(crate) async fn end() {
    #[cfg(unix)]
    if let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = ctrl_c() => return,
            _ = terminated.recv() => return,
        }
    }
    // Without a handler for it, SIGTERM ends the process at once.
    let _ = ctrl_c().await;
}
