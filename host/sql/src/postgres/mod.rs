//! PostgreSQL.
//!
//! | file | holds |
//! |---|---|
//! | `config.rs` | from an entry's fields to a pool |
//! | `tls.rs` | encrypted connections |
//! | `session.rs` | a connection in use |
//! | `params.rs` | parameters as the types that a statement expects |
//! | `cells.rs`, `numeric.rs` | columns as values |
//! | `error.rs` | errors as failures |

mod cells;
mod config;
mod error;
mod numeric;
mod params;
mod session;
mod tls;

pub(crate) use config::Config;

use crate::session::{Driver, Purpose};
use crate::waits::Waits;
use crate::{Dialect, Stats};
use deadpool_postgres::Pool;
use futures_util::future::BoxFuture;
use perilune_value::Failure;
use session::Session;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tls::Tls;

/// One database.
pub(crate) struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    tls: Tls,
    /// Idle connections beyond these are closed.
    max_idle: usize,
    waits: Waits,
    max_idle_closed: AtomicU64,
    max_lifetime_closed: Arc<AtomicU64>,
}

impl Driver for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn session(&self, _: Purpose) -> BoxFuture<'_, Result<Box<dyn crate::session::Session>, Failure>> {
        Box::pin(async move {
            let session = Session::new(self.shared.clone()).await?;
            Ok(Box::new(session) as Box<dyn crate::session::Session>)
        })
    }

    fn stats(&self) -> Stats {
        let status = self.shared.pool.status();
        self.shared.waits.add_to(Stats {
            max_open_connections: status.max_size as u64,
            open_connections: status.size as u64,
            in_use: status.size.saturating_sub(status.available) as u64,
            idle: status.available as u64,
            max_idle_closed: self.shared.max_idle_closed.load(Ordering::Relaxed),
            max_lifetime_closed: self.shared.max_lifetime_closed.load(Ordering::Relaxed),
            ..Stats::default()
        })
    }
}
