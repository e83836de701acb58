//! Errors, as clients see them: a number to report, and nothing of what went wrong inside.
//!
//! | the call | status |
//! |---|---|
//! | what the function raised or returned as its error | 500 |
//! | it reached `limits.timeout` or `limits.cpu`, or its time ran out in the queue | 504 |
//! | its pool or its host had no room | 503 with `Retry-After` |
//! | a policy does not let the caller call it | 403 |
//! | it failed because the client's body was too large, too slow or broken | 413, 408, 400 |
//! | its cell reached another limit, or broke | 500 |

use crate::exchange::Exchange;
use crate::incoming::ReadError;
use crate::message::{Response, json_response, refusal};
use http::StatusCode;
use http::header::{CONNECTION, HeaderName, HeaderValue, RETRY_AFTER};
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind, Value};

/// The header that repeats the `id` of an error's body.
pub const ERROR_ID: HeaderName = HeaderName::from_static("x-error-id");

/// The response to a failed call. The details are in the log, under its id.
pub(crate) fn failed(failure: &Failure, endpoint: &EntryId, exchange: &Exchange) -> Response {
    let status = status(failure, exchange);
    let id = log(failure, endpoint, exchange);
    let message = status.canonical_reason().unwrap_or("error").to_ascii_lowercase();
    let content = serde_json::json!({ "error": message, "id": id });
    let mut response = json_response(status, &content);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(ERROR_ID, id);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Writes a failed call into the log, and gives the id that it stands under.
pub(crate) fn log(failure: &Failure, endpoint: &EntryId, exchange: &Exchange) -> String {
    // Unguessable, so that an id tells nobody how many errors there were.
    let id = format!("{:032x}", rand::random::<u128>());
    tracing::error!(
        error_id = %id,
        endpoint = %endpoint,
        method = %exchange.method(),
        path = exchange.uri().path(),
        client = %exchange.client(),
        kind = failure.kind.as_str(),
        error = %failure.message,
        details = ?failure.details,
        stack = failure.stack.as_deref(),
        "a request failed"
    );
    id
}

fn status(failure: &Failure, exchange: &Exchange) -> StatusCode {
    if let Some(fault) = exchange.fault() {
        return fault;
    }
    // What Lua raised has a stack; what the host did to the call has none.
    if failure.stack.is_some() {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let detail = |name: &str| failure.details.as_ref().and_then(|details| details.get(name));
    let limit = detail("limit").and_then(Value::as_str);
    match &failure.kind {
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Kind::RateLimited if matches!(limit, Some("memory" | "tickets")) => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::RateLimited | Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::PermissionDenied if detail("action").is_some() => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The response to a body that could not be read. Nobody knows where the next request would begin.
pub(crate) fn refused(error: ReadError) -> Response {
    let status = match error {
        ReadError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        ReadError::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
        ReadError::Broken => StatusCode::BAD_REQUEST,
    };
    let mut response = refusal(status, &error.to_string());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
