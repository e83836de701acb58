//! How a service calls functions.

use futures_util::future::BoxFuture;
use perilune_security::Authority;
use perilune_value::{Failure, Value};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// What a call carries for one module besides its arguments, such as an HTTP exchange. Calls that the callee makes do not
/// inherit it.
pub type Attachment = Arc<dyn Any + Send + Sync>;

/// A call of a function entry that no cell made.
#[derive(Clone)]
pub struct Invocation {
    /// Entry id, perhaps followed by `.method`.
    pub target: String,
    /// The arguments.
    pub args: Vec<Value>,
    /// What module `ctx` reads: a map.
    pub values: Value,
    /// What the call acts with.
    pub authority: Authority,
    /// What a module finds besides.
    pub attachment: Option<Attachment>,
    /// A limit of the caller's own; the entry's holds besides.
    pub timeout: Option<Duration>,
}

impl Invocation {
    /// A call without arguments.
    pub fn new(target: impl Into<String>) -> Self {
        Invocation {
            target: target.into(),
            args: Vec::new(),
            values: Value::Map(Vec::new()),
            authority: Authority::default(),
            attachment: None,
            timeout: None,
        }
    }
}

/// Who carries out calls.
pub trait Invoke: Send + Sync {
    /// The callee's result. Dropping the future ends the callee.
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Result<Value, Failure>>;
}
