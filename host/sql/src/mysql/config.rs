//! From an entry's fields to a pool.

use super::{MySql, Shared};
use crate::kinds::Server;
use crate::tls::{Mode, Roots};
use crate::waits::Waits;
use mysql_async::{OptsBuilder, Pool, PoolConstraints, PoolOpts, SslOpts};
use perilune_value::Failure;
use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 64;

/// The largest message, and with it the largest row: both are in memory as a whole.
const LARGEST_MESSAGE: usize = 64 << 20;

/// An entry of kind `db.sql.mysql`.
pub(crate) struct Config(pub(crate) Server);

impl Config {
    /// A pool without connections.
    pub(crate) fn open(self) -> Result<MySql, Failure> {
        let Server { host, port, database, username, password, pool, options } = self.0;
        let max_open = pool.max_open();
        let constraints = PoolConstraints::new(pool.max_idle(), max_open)
            .ok_or_else(|| Failure::invalid("pool: more connections would be idle than open"))?;
        let pool_options = PoolOpts::new()
            .with_constraints(constraints)
            .with_abs_conn_ttl(Some(pool.max_lifetime))
            // What a caller leaves behind is undone by the session, where there is anything.
            .with_reset_connection(false);
        let option = |name: &str| options.get(name).map(String::as_str);
        let tls = encryption(&Mode::new(option("sslmode"), option("sslrootcert"))?);
        let settings = OptsBuilder::default()
            .ip_or_hostname(host)
            .tcp_port(port)
            .db_name(Some(database))
            .user(Some(username))
            .pass(Some(password))
            .prefer_socket(false)
            .ssl_opts(tls)
            .stmt_cache_size(STATEMENTS)
            .max_allowed_packet(Some(LARGEST_MESSAGE))
            // A row that already is as it was to be made counts, as it does in other databases.
            .client_found_rows(true)
            .setup(session_settings(&options)?)
            .pool_opts(pool_options);
        Ok(MySql {
            shared: Arc::new(Shared { pool: Pool::new(settings), max_open, waits: Waits::default() }),
        })
    }
}

/// What the driver is told about encryption; a server that has none is refused then.
fn encryption(mode: &Mode<'_>) -> Option<SslOpts> {
    let Mode::On(roots) = mode else { return None };
    // The driver asks for the provider of the process, of which there must be one, and only one can be found by itself.
    if CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    Some(match roots {
        Roots::Public => SslOpts::default(),
        Roots::Own { pem, .. } => SslOpts::default()
            .with_disable_built_in_roots(true)
            .with_root_certs(vec![pem.as_bytes().to_vec().into()]),
    })
}

/// What each connection begins with.
fn session_settings<'a>(
    options: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<Vec<String>, Failure> {
    // Instants mean the same everywhere.
    let mut statements = vec!["SET NAMES utf8mb4".to_owned(), "SET time_zone = '+00:00'".to_owned()];
    for (name, value) in options {
        if matches!(name.as_str(), "sslmode" | "sslrootcert") {
            continue;
        }
        if matches!(name.as_str(), "tls" | "ssl_mode" | "ssl-mode" | "ssl") {
            return Err(Failure::invalid(format!(
                "options.{name}: encryption is `sslmode`: disable, require, verify-ca or verify-full"
            )));
        }
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Failure::invalid(format!(
                "options: `{name}` cannot name a session variable of MySQL"
            )));
        }
        let is_number = value.parse::<f64>().is_ok_and(f64::is_finite);
        let value = match is_number {
            true => value.clone(),
            false => format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''")),
        };
        statements.push(format!("SET SESSION {name} = {value}"));
    }
    Ok(statements)
}
