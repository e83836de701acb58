//! One connection: its limits in size and time.

use crate::answer::{Answerer, refusal};
use crate::protocol::Refusal;
use crate::server::Answering;
use perilune::Kind;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Bytes of a request, its end among them.
const LONGEST: usize = 1 << 20;

/// How long a request may take to arrive, and a reply to be read.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came instead of a request.
enum Ending {
    /// Nothing more.
    Closed,
    /// Something that is told so, and nothing after it is read.
    Refused(Refusal),
}

/// Answers one request after another.
pub(crate) async fn converse(stream: UnixStream, answerer: Arc<Answerer>, answering: Answering) {
    let mut stream = BufReader::new(stream);
    loop {
        let request = match timeout(PATIENCE, receive(&mut stream)).await {
            Ok(request) => request,
            Err(_) => Err(refused(&Kind::Timeout, format!("no request within {PATIENCE:?}"))),
        };
        let _answering = answering.acquire().await;
        let (reply, is_last) = match request {
            Ok(line) => (answerer.clone().answer(line).await, false),
            Err(Ending::Refused(reason)) => (refusal(reason), true),
            Err(Ending::Closed) => return,
        };
        let written = timeout(PATIENCE, stream.write_all(&reply)).await;
        if is_last || !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

async fn receive(stream: &mut BufReader<UnixStream>) -> Result<Vec<u8>, Ending> {
    let mut line = Vec::new();
    let read: io::Result<usize> = stream.take(LONGEST as u64).read_until(b'\n', &mut line).await;
    match read {
        Err(_) | Ok(0) => Err(Ending::Closed),
        Ok(_) if line.last() == Some(&b'\n') => Ok(line),
        Ok(LONGEST) => Err(refused(&Kind::Invalid, format!("a request has at most {LONGEST} bytes"))),
        Ok(_) => Err(refused(&Kind::Invalid, "a request is a line, and this one has no end")),
    }
}

/// Turns a connection away. Who does not read why learns it from the closed connection.
pub(crate) fn refuse(stream: &UnixStream, most: usize) {
    let message = format!("{most} connections are open already; try again");
    let _ = stream.try_write(&refusal(Refusal::new(&Kind::RateLimited, message)));
}

fn refused(kind: &Kind, message: impl Into<String>) -> Ending {
    Ending::Refused(Refusal::new(kind, message))
}
