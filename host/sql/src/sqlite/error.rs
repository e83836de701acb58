//! Errors of SQLite as failures.

use super::guard::Guard;
use super::memory;
use super::path::Place;
use super::temporary;
use perilune_value::{Failure, Kind};
use rusqlite::{Error, ErrorCode, ffi};

/// What went wrong with a statement.
pub(super) fn failure(error: &Error, guard: &Guard) -> Failure {
    let refusal = guard.take_refusal();
    let (code, text) = match error {
        Error::SqliteFailure(code, text) => (*code, text.clone().unwrap_or_else(|| code.to_string())),
        Error::SqlInputError { error, msg, sql, offset } => {
            let offset = usize::try_from(*offset).ok();
            let failure = classify(*error, msg, refusal);
            return match offset.filter(|offset| *offset < sql.len()) {
                // Counted from 1, as databases with servers do.
                Some(offset) => failure.with_detail("position", offset as i64 + 1),
                None => failure,
            };
        }
        Error::MultipleStatement => {
            return Failure::invalid("one statement at a time: something follows the first one");
        }
        Error::NulError(_) => return Failure::invalid("a statement cannot hold NUL bytes"),
        other => return Failure::internal(format!("SQLite: {other}")).with_detail("driver", "sqlite"),
    };
    classify(code, &text, refusal)
}

/// What went wrong when the database was opened.
pub(super) fn of_opening(place: &Place, error: &Error) -> Failure {
    let place = match place {
        Place::Memory => "in memory".to_owned(),
        Place::File(path) => format!("`{}`", path.display()),
    };
    let failure = match error {
        Error::SqliteFailure(code, text) => {
            classify(*code, text.as_deref().unwrap_or(&code.to_string()), None)
        }
        other => Failure::internal(other.to_string()),
    };
    Failure { message: format!("cannot open the database {place}: {}", failure.message), ..failure }
}

fn classify(error: ffi::Error, text: &str, refusal: Option<String>) -> Failure {
    let temporary = temporary::take_refusal().filter(|_| error.code == ErrorCode::DiskFull);
    let memory = memory::take_refusal().filter(|_| error.code == ErrorCode::OutOfMemory);
    let refusals = [("temporary", temporary), ("memory", memory)];
    if let Some((limit, refusal)) = refusals.into_iter().find_map(|(limit, refusal)| Some((limit, refusal?)))
    {
        let failure = Failure::new(Kind::RateLimited, refusal).with_detail("limit", limit);
        return failure.with_detail("driver", "sqlite").with_detail("code", i64::from(error.extended_code));
    }
    let (kind, retryable) = kind(error, text);
    let text = match (error.code, refusal) {
        (ErrorCode::AuthorizationForStatementDenied, Some(refusal)) => refusal,
        (ErrorCode::Unknown, Some(refusal)) if text.contains("not authorized") => refusal,
        (ErrorCode::DiskFull, _) => {
            format!("{text}: delete something, or raise `options.max_size` (256MiB for a database in memory)")
        }
        _ => text.to_owned(),
    };
    let failure = Failure::new(kind, text)
        .with_retryable(retryable)
        .with_detail("driver", "sqlite")
        .with_detail("code", i64::from(error.extended_code));
    match error.code {
        ErrorCode::TooBig => failure.with_detail("limit", "length"),
        _ => failure,
    }
}

fn kind(error: ffi::Error, text: &str) -> (Kind, bool) {
    match error.code {
        ErrorCode::ConstraintViolation => match error.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID => (Kind::AlreadyExists, false),
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER => (Kind::Conflict, false),
            _ => (Kind::Invalid, false),
        },
        ErrorCode::DatabaseBusy if error.extended_code == ffi::SQLITE_BUSY_SNAPSHOT => (Kind::Conflict, true),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            (Kind::Unavailable, true)
        }
        ErrorCode::SystemIoFailure | ErrorCode::DiskFull | ErrorCode::CannotOpen => (Kind::Unavailable, true),
        ErrorCode::OperationInterrupted | ErrorCode::OperationAborted => (Kind::Canceled, false),
        ErrorCode::AuthorizationForStatementDenied | ErrorCode::PermissionDenied => {
            (Kind::PermissionDenied, false)
        }
        ErrorCode::TooBig | ErrorCode::OutOfMemory => (Kind::RateLimited, false),
        ErrorCode::Unknown if text.contains("not authorized") => (Kind::PermissionDenied, false),
        ErrorCode::Unknown if text.ends_with("already exists") => (Kind::AlreadyExists, false),
        ErrorCode::Unknown
        | ErrorCode::ReadOnly
        | ErrorCode::TypeMismatch
        | ErrorCode::ParameterOutOfRange
        | ErrorCode::SchemaChanged
        | ErrorCode::NotADatabase => (Kind::Invalid, false),
        _ => (Kind::Internal, false),
    }
}
