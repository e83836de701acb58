//! Several storages: the first that has a value answers, the first of all is written.

use super::{Backend, Storage};
use perilune_value::{Failure, Kind};
use std::sync::Arc;

pub(crate) struct Router {
    members: Vec<Arc<Storage>>,
}

impl Router {
    /// Routers among the storages give way to what is behind them, each storage once: reading takes one question to each, and
    /// not one along each way to it.
    pub(crate) fn new(storages: Vec<Arc<Storage>>) -> Self {
        let mut members: Vec<Arc<Storage>> = Vec::new();
        for storage in storages {
            let behind = match storage.backend.members() {
                [] => vec![storage.clone()],
                behind => behind.to_vec(),
            };
            for member in behind {
                if !members.iter().any(|other| Arc::ptr_eq(other, &member)) {
                    members.push(member);
                }
            }
        }
        Router { members }
    }
}

impl Backend for Router {
    fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        let mut denied = None;
        for member in &self.members {
            match member.get(name) {
                Ok(Some(value)) => return Ok(Some(value)),
                Ok(None) => {}
                // A later one may have what an earlier one may not tell.
                Err(failure) if failure.kind == Kind::PermissionDenied => denied = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        denied.map_or(Ok(None), Err)
    }

    fn members(&self) -> &[Arc<Storage>] {
        &self.members
    }
}
