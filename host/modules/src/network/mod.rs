//! What clients of the network share.
//!
//! | file | holds |
//! |---|---|
//! | `access.rs` | [`Access`]: what one call may reach, and at which addresses |
//! | `names.rs` | addresses of names |
//! | `lanes.rs` | how much one entry may have under way |
//! | `dial.rs` | connections for clients that have no library to make them |
//! | `tls.rs` | whose certificates are believed |
//! | `options.rs`, `headers.rs` | tables of options from Lua, and headers among them |

mod access;
pub(crate) mod dial;
pub(crate) mod headers;
mod lanes;
mod names;
pub(crate) mod options;
pub(crate) mod tls;

use crate::CallContext;
pub(crate) use access::{Access, Route};
use perilune_network::List;
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// What the clients of one host share.
pub(crate) struct Network {
    /// The host's list.
    allowed: Arc<List>,
    names: names::Names,
    lanes: lanes::Lanes,
}

impl Network {
    fn of(context: &CallContext) -> Arc<Network> {
        context.shared().get_or(|| {
            // Building a host has refused what does not parse; a host that was put together otherwise reaches nothing.
            let allowed = List::parse(&context.allowed().network)
                .inspect_err(|error| tracing::error!(%error, "no entry reaches the network"))
                .unwrap_or_default();
            Network {
                allowed: Arc::new(allowed),
                names: names::Names::default(),
                lanes: lanes::Lanes::default(),
            }
        })
    }
}

/// Carries an operation out on a task of its own, so that it goes on while the cell computes. Ends with whoever waits for it.
pub(crate) async fn apart<T: Send + 'static>(
    operation: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    match AbortOnDropHandle::new(tokio::spawn(operation)).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Err(Failure::internal("the host failed while it used the network")),
        Err(_) => Err(Failure::new(Kind::Canceled, "the host is shutting down")),
    }
}

/// Characters of a URL; servers refuse longer ones.
const MOST_URL: usize = 16 << 10;

/// Refuses a URL that is too long.
///
/// # Errors
///
/// `Invalid`.
pub(crate) fn check_length(url: &str) -> Result<(), Failure> {
    if url.len() > MOST_URL {
        return Err(Failure::invalid(format!("the URL is longer than {MOST_URL} bytes")));
    }
    Ok(())
}

/// What the network did wrong: another try may succeed.
pub(crate) fn broken(message: impl Into<String>) -> Failure {
    Failure::internal(message).with_retryable(true)
}

/// What has arrived for a cell is more than it may hold.
pub(crate) fn too_much() -> Failure {
    let message = "what has arrived but was not taken exceeds the cell's `limits.memory`";
    Failure::new(Kind::RateLimited, message).with_detail("limit", "memory")
}
