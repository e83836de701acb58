//! Errors of MySQL and MariaDB as failures.

use mysql_async::{DriverError, Error, ServerError};
use perilune_value::{Failure, Kind};

/// What went wrong.
pub(super) fn failure(error: &Error) -> Failure {
    match error {
        Error::Server(error) => of_server(error),
        Error::Driver(DriverError::NoClientSslFlagFromServer) => Failure::new(
            Kind::Unavailable,
            "MySQL: `options.sslmode` asks for encryption, and the server offers none",
        )
        .with_detail("driver", "mysql"),
        other => Failure::new(Kind::Unavailable, format!("MySQL: {other}"))
            .with_retryable(true)
            .with_detail("driver", "mysql"),
    }
}

fn of_server(error: &ServerError) -> Failure {
    let (kind, retryable) = kind(error.code, &error.state);
    Failure::new(kind, error.message.clone())
        .with_retryable(retryable)
        .with_detail("driver", "mysql")
        .with_detail("code", i64::from(error.code))
        .with_detail("state", error.state.clone())
}

/// The kind of an error code, and whether trying again may help. What no code tells, the first two characters of the state do.
fn kind(code: u16, state: &str) -> (Kind, bool) {
    match code {
        // Duplicate keys; databases, tables, columns and indexes that exist.
        1062 | 1169 | 1586 | 1007 | 1050 | 1060 | 1061 | 1304 | 1359 => (Kind::AlreadyExists, false),
        // Foreign keys.
        1216 | 1217 | 1451 | 1452 | 1557 | 1761 | 1762 => (Kind::Conflict, false),
        // Deadlocks, locks that took too long, and snapshots that others have outdated.
        1205 | 1213 | 1020 | 3572 => (Kind::Conflict, true),
        // NOT NULL, missing values, CHECK, and a transaction that only reads.
        1048 | 1263 | 1364 | 3819 | 4025 | 1792 => (Kind::Invalid, false),
        1142 | 1143 | 1227 | 1290 | 1370 => (Kind::PermissionDenied, false),
        // Who connects: nothing that waiting helps.
        1044 | 1045 | 1049 | 1698 => (Kind::Unavailable, false),
        1040 | 1053 | 1203 | 1226 | 1927 | 2006 | 2013 => (Kind::Unavailable, true),
        1317 => (Kind::Canceled, false),
        1969 | 3024 => (Kind::Timeout, false),
        1114 | 1021 | 1037 | 1041 => (Kind::Unavailable, true),
        _ => match state.get(..2).unwrap_or_default() {
            "08" => (Kind::Unavailable, true),
            "40" => (Kind::Conflict, true),
            "0A" | "21" | "22" | "23" | "25" | "42" | "44" => (Kind::Invalid, false),
            // General errors: what a statement says that the server cannot do.
            "HY" if (1100..2000).contains(&code) || code >= 3000 => (Kind::Invalid, false),
            _ => (Kind::Internal, false),
        },
    }
}
