//! What a component writes to stdout and stderr, as lines of the log.

use bytes::Bytes;
use perilune_cell::{Host, Identity};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is printed in parts: what has no line end must not fill the host.
const LONGEST: usize = 16 << 10;

/// Bytes that a component may write at once.
const PERMIT: usize = 64 << 10;

/// One of its two streams. All clones are the same.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    identity: Identity,
    /// What the log names: `entry:stdout`.
    location: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What has no line end yet.
    open: Vec<u8>,
    /// The last line that was not empty.
    last: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(host: Arc<dyn Host>, identity: Identity, stream: &str) -> Self {
        let location = format!("{}:{stream}", identity.entry);
        Lines(Arc::new(Inner { host, identity, location, state: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, mut bytes: &[u8]) {
        let mut state = self.state();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            state.open.extend_from_slice(line);
            self.print(&mut state);
            bytes = &rest[1..];
        }
        state.open.extend_from_slice(bytes);
        if state.open.len() > LONGEST {
            self.print(&mut state);
        }
    }

    fn print(&self, state: &mut State) {
        let line = std::mem::take(&mut state.open);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        self.0.host.print(&self.0.identity, line, &self.0.location);
        if !line.is_empty() {
            state.last = line.to_vec();
        }
    }

    /// Prints what has no line end, and gives the last line: what most programs say before they fail.
    pub(crate) fn finish(&self) -> Option<String> {
        let mut state = self.state();
        if !state.open.is_empty() {
            self.print(&mut state);
        }
        let last = String::from_utf8_lossy(&state.last).trim().to_owned();
        (!last.is_empty()).then_some(last)
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

impl Pollable for Lines {
    // As the trait's macro writes it: it is always ready.
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

impl AsyncWrite for Lines {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.put(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
