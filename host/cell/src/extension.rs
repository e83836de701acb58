//! Modules that an embedding application writes in Rust.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_value::{Failure, Value};
use std::collections::BTreeMap;

type Quick = Box<dyn Fn(Vec<Value>) -> Result<Value, Failure> + Send + Sync>;
type Slow = Box<dyn Fn(Vec<Value>) -> BoxFuture<'static, Result<Value, Failure>> + Send + Sync>;

/// A module in Rust: a name for `modules:` and `require`, and functions.
///
/// ```
/// use perilune_cell::Extension;
/// use perilune_value::{Failure, Value};
///
/// let module = Extension::new("shout")
///     .function("upper", |args| match args.first().and_then(Value::as_str) {
///         Some(text) => Ok(text.to_uppercase().into()),
///         None => Err(Failure::invalid("upper takes a text")),
///     })
///     .slow_function("later", |args| async move { Ok(Value::Array(args)) });
/// assert_eq!(module.name(), "shout");
/// ```
pub struct Extension {
    name: String,
    functions: BTreeMap<String, Function>,
}

pub(crate) enum Function {
    Quick(Quick),
    Slow(Slow),
}

impl Extension {
    /// A module without functions.
    pub fn new(name: impl Into<String>) -> Self {
        Extension { name: name.into(), functions: BTreeMap::new() }
    }

    /// The name in `modules:` and in `require`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a function that answers at once. It runs on the cell's thread, so it must not block.
    #[must_use]
    pub fn function(
        mut self,
        name: impl Into<String>,
        body: impl Fn(Vec<Value>) -> Result<Value, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.functions.insert(name.into(), Function::Quick(Box::new(body)));
        self
    }

    /// Adds a function that may take time: it suspends only the coroutine that calls it, and is dropped when the cell ends.
    #[must_use]
    pub fn slow_function<F>(
        mut self,
        name: impl Into<String>,
        body: impl Fn(Vec<Value>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        self.functions.insert(name.into(), Function::Slow(Box::new(move |args| body(args).boxed())));
        self
    }

    pub(crate) fn functions(&self) -> &BTreeMap<String, Function> {
        &self.functions
    }
}

impl std::fmt::Debug for Extension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extension")
            .field("name", &self.name)
            .field("functions", &self.functions.keys())
            .finish()
    }
}
