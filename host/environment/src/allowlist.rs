//! Names that the host lets entries read.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use perilune_resource::{Allowed, Shared};
use perilune_value::{Failure, Kind};
use std::sync::Arc;

/// The host's `--allow-env`, ready to be asked.
pub(crate) struct Allowlist(GlobSet);

impl Allowlist {
    /// The one of a host.
    pub(crate) fn of(shared: &Shared, allowed: &Allowed) -> Arc<Self> {
        shared.get_or(|| Self::new(&allowed.environment))
    }

    fn new(patterns: &[String]) -> Self {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            match GlobBuilder::new(pattern).build() {
                Ok(glob) => {
                    set.add(glob);
                }
                // Whoever is not understood has allowed nothing.
                Err(error) => tracing::warn!(%pattern, %error, "this is no pattern of names of variables"),
            }
        }
        Allowlist(set.build().unwrap_or_default())
    }

    /// A variable of the operating system's environment, if it is set.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` for a name that is not allowed, whether it is set or not; `Invalid` for a value that is not UTF-8.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, Failure> {
        if !self.0.is_match(name) {
            let message = format!(
                "the host does not let entries read {name} of its environment: start it with `--allow-env {name}` if it should"
            );
            return Err(Failure::new(Kind::PermissionDenied, message));
        }
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Failure::invalid(format!("the value of {name} in the host's environment is not UTF-8")))
            }
        }
    }
}
