//! MySQL and MariaDB.
//!
//! | file | holds |
//! |---|---|
//! | `config.rs` | from an entry's fields to a pool |
//! | `session.rs` | a connection in use |
//! | `cells.rs` | columns as values |
//! | `error.rs` | errors as failures |

mod cells;
mod config;
mod error;
mod session;

pub(crate) use config::Config;

use crate::session::{Driver, Purpose};
use crate::waits::Waits;
use crate::{Dialect, Stats};
use futures_util::future::BoxFuture;
use mysql_async::Pool;
use perilune_value::Failure;
use session::Session;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One database.
pub(crate) struct MySql {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    max_open: usize,
    waits: Waits,
}

impl Driver for MySql {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn session(&self, _: Purpose) -> BoxFuture<'_, Result<Box<dyn crate::session::Session>, Failure>> {
        Box::pin(async move {
            let session = Session::new(self.shared.clone()).await?;
            Ok(Box::new(session) as Box<dyn crate::session::Session>)
        })
    }

    fn stats(&self) -> Stats {
        let metrics = self.shared.pool.metrics();
        let (open, idle) = (&metrics.connection_count, &metrics.connections_in_pool);
        let (open, idle) = (open.load(Ordering::Relaxed) as u64, idle.load(Ordering::Relaxed) as u64);
        self.shared.waits.add_to(Stats {
            max_open_connections: self.shared.max_open as u64,
            open_connections: open,
            in_use: open.saturating_sub(idle),
            idle,
            max_idle_closed: metrics.discarded_superfluous_connection.load(Ordering::Relaxed) as u64,
            max_lifetime_closed: metrics.discarded_expired_connection.load(Ordering::Relaxed) as u64,
            ..Stats::default()
        })
    }
}

/// Whether all connections are in use.
fn is_exhausted(shared: &Shared) -> bool {
    let metrics = shared.pool.metrics();
    metrics.connections_in_pool.load(Ordering::Relaxed) == 0
        && metrics.connection_count.load(Ordering::Relaxed) >= shared.max_open
}
