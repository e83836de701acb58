//! Databases behind one interface: SQLite, PostgreSQL, MySQL.
//!
//! A [`Database`] is made from an entry and connects when it is first used. Statements run on a connection of their own; a
//! [`Transaction`] keeps one. Whoever drops a future here gives the operation up: it is interrupted where it runs, its
//! transaction rolls back, and the connection is whole again before somebody else gets it. Nobody waits for that.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `kinds.rs` | [`KINDS`]: `db.sql.sqlite`, `db.sql.postgres`, `db.sql.mysql` |
//! | `database.rs`, `statement.rs`, `transaction.rs` | what callers use |
//! | `param.rs` | [`Param`]: values on their way in |
//! | `rows.rs` | [`Rows`]: values on their way out, as MessagePack |
//! | `budget.rs` | [`Budget`]: how large a result may be |
//! | `moment.rs` | dates and times as text |
//! | `text.rs` | what a statement's first word tells |
//! | `session.rs` | what a driver offers, and how operations are given up |
//! | `tls.rs` | what entries say about encryption |
//! | `waits.rs` | [`Stats`]: counts of connections and of waiting |
//! | `sqlite/`, `postgres/`, `mysql/` | the drivers |

mod budget;
mod database;
mod kinds;
mod moment;
mod mysql;
mod param;
mod postgres;
mod rows;
mod session;
mod sqlite;
mod statement;
mod text;
mod tls;
mod transaction;
mod waits;

pub use budget::{Budget, Limit};
pub use database::{Database, Dialect, Executed};
pub use kinds::KINDS;
pub use param::Param;
pub use rows::Rows;
pub use sqlite::prepare;
pub use statement::Statement;
pub use transaction::{Begin, Isolation, Transaction};
pub use waits::Stats;
