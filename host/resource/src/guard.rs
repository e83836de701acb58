//! Panics in what others wrote: an error of one entry, not the end of the host.

use futures_util::FutureExt;
use perilune_value::Failure;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs something that may panic; `what` says what it was doing.
pub(crate) fn guarded<T>(what: &str, run: impl FnOnce() -> T) -> Result<T, Failure> {
    // What panicked is not used again: a thing half made is dropped with the panic.
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| panicked(what, &*panic))
}

/// As [`guarded`], for what takes time.
pub(crate) async fn guarded_async<T>(what: &str, run: impl Future<Output = T>) -> Result<T, Failure> {
    AssertUnwindSafe(run).catch_unwind().await.map_err(|panic| panicked(what, &*panic))
}

fn panicked(what: &str, panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let text = text.unwrap_or_else(|| "without a message".to_owned());
    Failure::internal(format!("the host panicked while it {what}: {text}"))
}
