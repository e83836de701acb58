//! Connections that wait for work, and who waits for them.

use super::connection::{Connection, Role};
use super::path::Place;
use crate::Stats;
use crate::waits::Waits;
use perilune_value::{Failure, Kind};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedRwLockWriteGuard, OwnedSemaphorePermit, Semaphore};

/// How long somebody waits for a connection. Who holds one may be the same call, which would then wait for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long idle connections keep a snapshot. Commits meanwhile add to the log without beginning it anew, some hundred pages.
const SNAPSHOT: Duration = Duration::from_millis(5);

/// Connections of one role.
pub(super) struct Lane {
    place: Place,
    /// Bytes that the database may have.
    size: Option<u64>,
    role: Role,
    count: usize,
    places: Arc<Semaphore>,
    idle: Mutex<Idle>,
    waits: Waits,
    /// Connections are opened one after the other: the first one sets the file up.
    opening: Arc<tokio::sync::Mutex<()>>,
    /// Where leases that are dropped elsewhere roll back.
    runtime: OnceLock<Handle>,
}

/// Connections that nobody uses.
#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    /// Whether somebody will end the snapshots among them.
    is_watched: bool,
}

impl Lane {
    pub(super) fn new(
        (place, size): (Place, Option<u64>),
        role: Role,
        count: usize,
        opening: Arc<tokio::sync::Mutex<()>>,
    ) -> Self {
        let places = Arc::new(Semaphore::new(count));
        Lane {
            place,
            size,
            role,
            count,
            places,
            idle: Mutex::default(),
            waits: Waits::default(),
            opening,
            runtime: OnceLock::new(),
        }
    }

    /// A connection, as soon as there is one.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, Failure> {
        let permit = match self.places.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let _waiting = self.waits.begin();
                let permit = tokio::time::timeout(PATIENCE, self.places.clone().acquire_owned()).await;
                permit.map_err(|_| self.busy())?.map_err(|_| self.busy())?
            }
        };
        let connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.open().await?,
        };
        Ok(self.leased(connection, permit))
    }

    /// A connection that is idle.
    pub(super) fn try_lease(self: &Arc<Self>) -> Option<Lease> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        let connection = self.take_idle()?;
        Some(self.leased(connection, permit))
    }

    fn leased(self: &Arc<Self>, connection: Connection, permit: OwnedSemaphorePermit) -> Lease {
        Lease { connection: Some(connection), lane: self.clone(), schema: None, permit: Some(permit) }
    }

    pub(super) fn add_to(&self, stats: Stats) -> Stats {
        let in_use = self.count - self.places.available_permits();
        let idle = self.idle().connections.len();
        let waits = self.waits.add_to(Stats::default());
        Stats {
            max_open_connections: stats.max_open_connections + self.count as u64,
            open_connections: stats.open_connections + (in_use + idle) as u64,
            in_use: stats.in_use + in_use as u64,
            idle: stats.idle + idle as u64,
            wait_count: stats.wait_count + waits.wait_count,
            wait_duration: stats.wait_duration + waits.wait_duration,
            ..stats
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle().connections.pop()
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.idle();
        if connection.holds_snapshot()
            && !idle.is_watched
            && let Some(runtime) = self.runtime.get()
        {
            idle.is_watched = true;
            runtime.spawn(self.clone().end_snapshots());
        }
        idle.connections.push(connection);
    }

    /// Ends the snapshots of idle connections again and again, until there is none.
    async fn end_snapshots(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SNAPSHOT).await;
            let mut idle = self.idle();
            let held = idle.connections.iter().filter(|connection| connection.holds_snapshot());
            let ended = held.map(|connection| connection.let_go()).fold(0, |ended, _| ended + 1);
            if ended == 0 {
                idle.is_watched = false;
                return;
            }
        }
    }

    async fn open(&self) -> Result<Connection, Failure> {
        self.runtime.get_or_init(Handle::current);
        let _alone = self.opening.lock().await;
        let (place, size, role) = (self.place.clone(), self.size, self.role);
        let opened = tokio::task::spawn_blocking(move || Connection::open(&place, size, role)).await;
        opened.map_err(|_| Failure::internal("the host failed while it opened the database"))?
    }

    fn busy(&self) -> Failure {
        let what = match self.role {
            Role::Reader => "all connections that read are in use; end one of their transactions before",
            Role::Writer | Role::Only => "another transaction is open; end it before",
        };
        let message = format!(
            "waited {} seconds for the database: {what}, or use it for this statement as well",
            PATIENCE.as_secs()
        );
        Failure::new(Kind::Unavailable, message).with_retryable(true)
    }
}

/// A connection in use. When this is dropped, what is open is rolled back on a thread that may block, and the connection goes
/// back to its lane.
pub(super) struct Lease {
    /// Here until this is dropped.
    connection: Option<Connection>,
    lane: Arc<Lane>,
    /// Held by who changes tables, until that is committed.
    pub(super) schema: Option<OwnedRwLockWriteGuard<()>>,
    /// Here until the connection is back, so that whoever gets the place finds it.
    permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// What the connection is for.
    pub(super) fn role(&self) -> Role {
        self.lane.role
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("invariant: a lease has its connection until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let (lane, schema, permit) = (self.lane.clone(), self.schema.take(), self.permit.take());
        let give_back = move |connection| {
            lane.give_back(connection);
            drop((schema, permit));
        };
        if !connection.in_transaction() {
            return give_back(connection);
        }
        let roll_back = move || match connection.command("ROLLBACK") {
            Ok(()) => give_back(connection),
            Err(failure) => tracing::error!(error = %failure.message, "a database connection is given up"),
        };
        match self.lane.runtime.get() {
            Some(runtime) => drop(runtime.spawn_blocking(roll_back)),
            None => roll_back(),
        }
    }
}
