//! Systems without Unix domain sockets in the runtime: nobody answers there.

use crate::{ControlError, Order};
use perilune::Runtime;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

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

/// Does nothing.
///
/// # Errors
///
/// None.
pub fn use_folder(_: &Path) -> Result<(), ControlError> {
    Ok(())
}

/// There are none.
pub fn folders() -> Vec<PathBuf> {
    Vec::new()
}

/// Always refuses.
///
/// # Errors
///
/// [`ControlError::Unsupported`].
pub fn check_folder(_: &Path) -> Result<(), ControlError> {
    Err(ControlError::Unsupported)
}
