//! Actors.

use perilune_value::Value;

/// On whose behalf a call runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Actor {
    /// Names it, such as `user:17` or `service:billing`.
    pub id: String,
    /// What policies may ask about it: a map.
    pub meta: Value,
}

impl Actor {
    /// An actor about whom nothing but the id is known.
    pub fn new(id: impl Into<String>) -> Self {
        Actor { id: id.into(), meta: Value::Map(Vec::new()) }
    }
}
