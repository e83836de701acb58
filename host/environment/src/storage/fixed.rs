//! Values that stand in the entry.

use super::Backend;
use perilune_value::Failure;
use std::collections::HashMap;

pub(crate) struct Fixed {
    pub(crate) values: HashMap<String, String>,
}

impl Backend for Fixed {
    fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.values.get(name).cloned())
    }
}
