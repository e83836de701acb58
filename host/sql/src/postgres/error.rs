//! Errors of PostgreSQL as failures.

use perilune_value::{Failure, Kind};
use std::error::Error as _;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition};

/// What went wrong.
pub(super) fn failure(error: &Error) -> Failure {
    match error.as_db_error() {
        Some(error) => of_server(error),
        None => of_connection(error),
    }
}

/// The connection, or its making.
fn of_connection(error: &Error) -> Failure {
    let mut message = error.to_string();
    if let Some(source) = error.source() {
        message = format!("{message}: {source}");
    }
    Failure::new(Kind::Unavailable, format!("PostgreSQL: {message}"))
        .with_retryable(true)
        .with_detail("driver", "postgres")
}

fn of_server(error: &DbError) -> Failure {
    let (kind, retryable) = kind(error.code().code(), error.message());
    let mut failure = Failure::new(kind, error.message())
        .with_retryable(retryable)
        .with_detail("driver", "postgres")
        .with_detail("code", error.code().code());
    let details = [
        ("detail", error.detail()),
        ("hint", error.hint()),
        ("schema", error.schema()),
        ("table", error.table()),
        ("column", error.column()),
        ("constraint", error.constraint()),
    ];
    for (name, text) in details {
        if let Some(text) = text {
            failure = failure.with_detail(name, text);
        }
    }
    if let Some(ErrorPosition::Original(position)) = error.position() {
        failure = failure.with_detail("position", i64::from(*position));
    }
    failure
}

/// The kind of an error code, and whether trying again may help. The first two characters are the code's class.
fn kind(code: &str, message: &str) -> (Kind, bool) {
    match code {
        "23505" | "42P04" | "42P06" | "42P07" | "42701" | "42710" | "42723" => (Kind::AlreadyExists, false),
        "23503" | "23P01" | "2BP01" => (Kind::Conflict, false),
        "42501" => (Kind::PermissionDenied, false),
        "57014" if message.contains("timeout") => (Kind::Timeout, false),
        "57014" => (Kind::Canceled, false),
        "55P03" => (Kind::Conflict, true),
        "25P02" => (Kind::Conflict, false),
        // Passwords, names of users and of databases: nothing that waiting helps.
        "28000" | "28P01" | "3D000" => (Kind::Unavailable, false),
        _ => match code.get(..2).unwrap_or_default() {
            "40" => (Kind::Conflict, true),
            "08" | "53" | "57" | "58" => (Kind::Unavailable, true),
            "54" => (Kind::RateLimited, false),
            "0A" | "21" | "22" | "23" | "25" | "26" | "34" | "3B" | "3F" | "42" | "44" => {
                (Kind::Invalid, false)
            }
            "P0" => (Kind::Invalid, false),
            _ => (Kind::Internal, false),
        },
    }
}
