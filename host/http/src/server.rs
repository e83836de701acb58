//! A server that runs: its socket, its connections, and how they end.

use crate::connection;
use crate::current::Current;
use crate::serve::Surroundings;
use crate::streams::Streams;
use crate::watch::Patience;
use hyper_util::server::conn::auto::Builder;
use perilune_resource::Security;
use perilune_value::{Failure, Kind};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long nothing is accepted after the system had no room for a connection: those that are open may end meanwhile.
const OUT_OF_ROOM: Duration = Duration::from_millis(50);

/// What all connections of a server share.
pub(crate) struct Server {
    pub(crate) surroundings: Surroundings,
    pub(crate) current: Current,
    pub(crate) security: Arc<Security>,
    pub(crate) protocol: Builder<Streams>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) patience: Patience,
    pub(crate) read_patience: Duration,
    pub(crate) max_body: u64,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) tasks: TaskTracker,
    /// Set when the server takes nothing new.
    pub(crate) closing: CancellationToken,
    /// Set when what still runs must end.
    pub(crate) cut: CancellationToken,
}

/// A server that runs. Dropping it cuts its connections.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    tasks: TaskTracker,
    closing: CancellationToken,
    cut: CancellationToken,
}

impl Running {
    /// Binds a socket and accepts connections from then on.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` when the address is taken, `Unavailable` when it is not the machine's.
    pub(crate) async fn start(
        server: Server,
        addresses: &[SocketAddr],
        shown: &str,
    ) -> Result<Self, Failure> {
        let no_socket = |error: io::Error| {
            let (kind, hint) = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    (Kind::AlreadyExists, "; another program listens there: stop it, or change `addr`")
                }
                io::ErrorKind::PermissionDenied => {
                    (Kind::Unavailable, "; ports below 1024 take rights: change `addr`")
                }
                _ => (Kind::Unavailable, ""),
            };
            let message = format!("cannot listen at {shown}: {error}{hint}");
            Failure::new(kind, message).with_retryable(true)
        };
        let listener = TcpListener::bind(addresses).await.map_err(no_socket)?;
        let running = Running {
            address: listener.local_addr().map_err(no_socket)?,
            tasks: server.tasks.clone(),
            closing: server.closing.clone(),
            cut: server.cut.clone(),
        };
        running.tasks.spawn(accept(Arc::new(server), listener));
        Ok(running)
    }

    /// Takes nothing new and lets what runs finish. Dropped before that, the future cuts what still runs.
    pub(crate) async fn stop(self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.closing.cancel();
        self.cut.cancel();
    }
}

async fn accept(server: Arc<Server>, listener: TcpListener) {
    loop {
        let accepted = async {
            let slot = server.slots.clone().acquire_owned().await.ok();
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = server.closing.cancelled() => return,
            accepted = accepted => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_theirs(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(OUT_OF_ROOM).await;
                continue;
            }
        };
        let serving = server.clone();
        let cut = server.cut.clone();
        server.tasks.spawn(async move {
            cut.run_until_cancelled(connection::run(serving, stream, peer, slot)).await;
        });
    }
}

/// Whether only the connection that was to be accepted is concerned.
fn is_theirs(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
