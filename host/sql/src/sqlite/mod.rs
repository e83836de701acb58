//! SQLite, embedded.
//!
//! A file database has one connection that writes and a few that read beside it, thanks to its write-ahead log; a database in
//! memory has one connection for everything. Writers queue here, without a thread that waits. What takes longer than
//! microseconds runs on threads that may block.
//!
//! | file | holds |
//! |---|---|
//! | `path.rs` | where a database may lie |
//! | `connection.rs` | how a connection is opened |
//! | `guard.rs` | what statements may not do |
//! | `temporary.rs`, `memory.rs` | how much a statement may put on the disk, and into memory |
//! | `run.rs` | queries and statements on a connection |
//! | `quick.rs` | queries that need no thread of their own |
//! | `snapshot.rs` | reading without locks, as long as nothing changes |
//! | `lane.rs` | connections that wait for work, and who waits for them |
//! | `session.rs` | a connection in use |
//! | `error.rs` | errors as failures |

mod connection;
mod error;
mod guard;
mod lane;
mod memory;
mod path;
mod quick;
mod run;
mod session;
mod snapshot;
mod temporary;

/// Has SQLite count what statements take. To be called before anything in this process uses SQLite: a store that is opened first would
/// leave the statements of all databases without a bound on their memory.
pub fn prepare() {
    // Whoever opens a database hears of it if it failed.
    let _ = temporary::vfs();
}

pub(crate) use path::{Place, locate};

use crate::session::{Driver, Purpose};
use crate::{Dialect, Param, Rows, Stats};
use connection::Role;
use futures_util::future::BoxFuture;
use lane::Lane;
use perilune_value::Failure;
use quick::Verdicts;
use std::sync::Arc;
use tokio::sync::RwLock;

/// Connections that read a file beside the one that writes. Reading is computing as a rule, and hosts have a few cores.
const READERS: usize = 4;

/// One database.
pub(crate) struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` for a database in memory, whose only connection is the writer.
    readers: Option<Arc<Lane>>,
    writer: Arc<Lane>,
    verdicts: Verdicts,
    /// Held by who changes tables until that is committed: what is known about statements holds for the tables as they are.
    schema: Arc<RwLock<()>>,
}

impl Sqlite {
    /// A database of at most so many bytes.
    pub(crate) fn new(place: Place, size: Option<u64>) -> Self {
        let opening = Arc::default();
        let lane =
            |role, count| Arc::new(Lane::new((place.clone(), size), role, count, Arc::clone(&opening)));
        let (readers, writer) = match &place {
            Place::Memory => (None, lane(Role::Only, 1)),
            Place::File(_) => (Some(lane(Role::Reader, READERS)), lane(Role::Writer, 1)),
        };
        let inner = Inner { readers, writer, verdicts: Verdicts::default(), schema: Arc::default() };
        Sqlite { inner: Arc::new(inner) }
    }
}

impl Inner {
    /// Where statements that only read run.
    fn reading(&self) -> &Arc<Lane> {
        self.readers.as_ref().unwrap_or(&self.writer)
    }
}

impl Driver for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn session(&self, purpose: Purpose) -> BoxFuture<'_, Result<Box<dyn crate::session::Session>, Failure>> {
        Box::pin(async move {
            let session = session::Session::new(self.inner.clone(), purpose).await?;
            Ok(Box::new(session) as Box<dyn crate::session::Session>)
        })
    }

    fn quick(&self, sql: &str, params: &[Param]) -> Option<Rows> {
        let _unchanged = self.inner.schema.try_read().ok()?;
        if !self.inner.verdicts.is_quick(sql) {
            return None;
        }
        self.inner.reading().try_lease()?.quick_query(sql, params)
    }

    fn stats(&self) -> Stats {
        let lanes = self.inner.readers.iter().chain([&self.inner.writer]);
        lanes.fold(Stats::default(), |stats, lane| lane.add_to(stats))
    }
}
