//! Systems without Unix domain sockets in the runtime: nobody answers there.

use crate::{ControlError, Order};
use perilune::Runtime;
use serde::de::DeserializeOwned;
use std::path::Path;

/// The side that answers; there is none.
#[derive(Debug)]
pub enum Server {}

impl Server {
    /// There is none to wait for.
    pub async fn finish(&self) {}
}

/// Always refuses.
///
/// # Errors
///
/// [`ControlError::Unsupported`].
pub fn serve(_: &Runtime, _: &Path, _: Option<&str>) -> Result<Server, ControlError> {
    Err(ControlError::Unsupported)
}

/// Always refuses.
///
/// # Errors
///
/// [`ControlError::Unsupported`].
pub fn ask<T: DeserializeOwned>(_: &Path, _: &Order) -> Result<T, ControlError> {
    Err(ControlError::Unsupported)
}
