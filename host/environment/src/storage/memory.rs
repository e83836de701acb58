//! Values in the host's memory.

use super::Backend;
use perilune_value::{Failure, Kind};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Names and values: an environment is a few kilobytes, and whoever sets variables may be anybody.
const MOST_BYTES: usize = 1 << 20;

#[derive(Default)]
pub(crate) struct Memory {
    values: RwLock<HashMap<String, String>>,
}

impl Backend for Memory {
    fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.values.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn set(&self, name: &str, value: &str) -> Option<Result<(), Failure>> {
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        let others = values.iter().filter(|(other, _)| *other != name);
        let bytes: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        if bytes + name.len() + value.len() > MOST_BYTES {
            let message = format!("the variables in this storage would have more than {MOST_BYTES} bytes");
            return Some(Err(Failure::new(Kind::RateLimited, message)));
        }
        values.insert(name.to_owned(), value.to_owned());
        Some(Ok(()))
    }
}
