//! A side effect that tests count.

use perilune::{Extension, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Module `counter` for Lua: `next()` counts, and returns how often it was called.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicI64>);

impl Counter {
    /// The module.
    pub fn module(&self) -> Extension {
        let count = self.0.clone();
        Extension::new("counter")
            .function("next", move |_| Ok(Value::from(count.fetch_add(1, Ordering::Relaxed) + 1)))
    }

    /// How often `next` was called.
    pub fn count(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}
