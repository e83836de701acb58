//! The environment of the operating system, of which entries see what the host allows.

use super::Backend;
use crate::allowlist::Allowlist;
use perilune_value::Failure;
use std::sync::Arc;

pub(crate) struct System {
    pub(crate) allowed: Arc<Allowlist>,
}

impl Backend for System {
    fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        self.allowed.read(name)
    }
}
