//! The side that answers.

use crate::ControlError;
use crate::answer::Answerer;
use crate::conversation::{converse, refuse};
use crate::place::{Place, places};
use perilune::Runtime;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// Connections at the same time. Each may hold a request of the largest size.
const MOST_CONNECTIONS: usize = 64;

/// Until the next connection is tried after the system had no room for one.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers until it is dropped.
#[derive(Debug)]
pub struct Server {
    accepting: JoinHandle<()>,
    place: Place,
    /// Which file is its own, by device and number.
    socket: Option<(u64, u64)>,
    answering: Answering,
}

/// One permit for each request that is being answered.
pub(crate) type Answering = Arc<Semaphore>;

/// How long answers may take that are under way when the application ends.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Answers on behalf of an application, in the tokio runtime that this is called in. `command` is what the application runs.
///
/// # Errors
///
/// [`ControlError::AlreadyRunning`] where another one answers for this directory, and whatever prevents a socket.
pub fn serve(runtime: &Runtime, directory: &Path, command: Option<&str>) -> Result<Server, ControlError> {
    let canonical = fs::canonicalize(directory).map_err(ControlError::io(directory))?;
    let places = places(&canonical);
    let place = places.first().expect("a path in `/tmp` is short enough").clone();
    let _lock = place.prepare()?;
    for place in &places {
        // Where nobody can tell, nobody who asks will look either.
        if let Ok(Some(_)) = place.connect() {
            return Err(ControlError::AlreadyRunning(canonical));
        }
    }
    match fs::remove_file(&place.socket) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(ControlError::io(&place.socket)(error));
        }
        _ => {}
    }
    let listener = UnixListener::bind(&place.socket).map_err(ControlError::io(&place.socket))?;
    let answerer = Arc::new(Answerer::new(runtime.clone(), &canonical, command));
    let socket = identity(&place.socket);
    let answering = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let accepting = tokio::spawn(accept(listener, answerer, answering.clone()));
    Ok(Server { accepting, place, socket, answering })
}

impl Server {
    /// Waits until nobody is being answered, for a second at the most: who asks an application to end wants to know that it was
    /// asked.
    pub async fn finish(&self) {
        let most = u32::try_from(MOST_CONNECTIONS).unwrap_or(u32::MAX);
        // Who takes longer learns from the closed connection that there is no answer.
        let _ = tokio::time::timeout(LAST_ANSWERS, self.answering.acquire_many(most)).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        // Somebody may have removed it and started another application there.
        if identity(&self.place.socket) == self.socket {
            let _ = fs::remove_file(&self.place.socket);
        }
    }
}

fn identity(socket: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(socket).ok().map(|found| (found.dev(), found.ino()))
}

async fn accept(listener: UnixListener, answerer: Arc<Answerer>, answering: Answering) {
    let mut open = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while open.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) if open.len() < MOST_CONNECTIONS => {
                open.spawn(converse(stream, answerer.clone(), answering.clone()));
            }
            Ok((stream, _)) => refuse(&stream, MOST_CONNECTIONS),
            Err(error) => {
                tracing::warn!(target: "perilune::control", %error, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
