//! From an entry's fields to a pool.

use super::tls::Tls;
use super::{Postgres, Shared};
use crate::kinds::Server;
use crate::tls::Mode;
use crate::waits::Waits;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use perilune_value::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_postgres::NoTls;

/// How long a caller waits for a connection that others use, and for one that is being made.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// An entry of kind `db.sql.postgres`.
pub(crate) struct Config(pub(crate) Server);

impl Config {
    /// A pool without connections.
    pub(crate) fn open(self) -> Result<Postgres, Failure> {
        let Server { host, port, database, username, password, pool, options } = self.0;
        let mut config = tokio_postgres::Config::new();
        config.host(&host).port(port).dbname(&database).user(&username).password(&password);
        config.application_name("perilune").connect_timeout(PATIENCE);
        // Instants without a zone mean the same everywhere.
        let mut settings = vec![("TimeZone".to_owned(), "UTC".to_owned())];
        let mut tls = (None, None);
        for (name, value) in options {
            match name.as_str() {
                "sslmode" => tls.0 = Some(value),
                "sslrootcert" => tls.1 = Some(value),
                "application_name" => {
                    config.application_name(value);
                }
                "connect_timeout" => {
                    let seconds: u64 = value.parse().map_err(|_| {
                        Failure::invalid(format!(
                            "options.connect_timeout: `{value}` is no number of seconds"
                        ))
                    })?;
                    config.connect_timeout(Duration::from_secs(seconds));
                }
                _ => settings.push((name, value)),
            }
        }
        config.options(run_time(&settings)?);
        let tls = Tls::new(&Mode::new(tls.0.as_deref(), tls.1.as_deref())?)?;
        config.ssl_mode(tls.mode());
        // What a caller leaves behind is undone when the connection comes back, not while the next one waits for it.
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &tls {
            Tls::Off => Manager::from_config(config, NoTls, manager_config),
            Tls::On(connector) => Manager::from_config(config, connector.clone(), manager_config),
        };
        let max_lifetime_closed = Arc::new(AtomicU64::new(0));
        let (lifetime, closed) = (pool.max_lifetime, max_lifetime_closed.clone());
        let max_open = pool.max_open();
        let connections = Pool::builder(manager)
            .max_size(max_open)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .pre_recycle(Hook::sync_fn(move |_, metrics| {
                if metrics.age() <= lifetime {
                    return Ok(());
                }
                closed.fetch_add(1, Ordering::Relaxed);
                Err(HookError::message("expired"))
            }))
            .build()
            .map_err(|problem| Failure::internal(problem.to_string()))?;
        Ok(Postgres {
            shared: Arc::new(Shared {
                pool: connections,
                tls,
                max_idle: pool.max_idle(),
                waits: Waits::default(),
                max_idle_closed: AtomicU64::new(0),
                max_lifetime_closed,
            }),
        })
    }
}

/// Settings of the server for each connection, as its command line has them.
fn run_time(settings: &[(String, String)]) -> Result<String, Failure> {
    let mut words = Vec::new();
    for (name, value) in settings {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
        {
            return Err(Failure::invalid(format!("options: `{name}` cannot name a setting of PostgreSQL")));
        }
        if value.contains('\0') {
            return Err(Failure::invalid(format!("options.{name} holds a NUL byte")));
        }
        let escaped = value.replace('\\', "\\\\").replace(' ', "\\ ");
        words.push(format!("-c {name}={escaped}"));
    }
    Ok(words.join(" "))
}
