//! One call with its options.

use perilune_modules::{Chain, Listener};
use perilune_security::Authority;
use perilune_value::{Value, args_to_msgpack};
use std::sync::Arc;
use std::time::Duration;

/// What to call, with which arguments, in which context.
///
/// ```
/// use perilune::Call;
/// use std::time::Duration;
///
/// let call = Call::new("app:report").arg(2026).arg("Q3").context("user", "ada").timeout(Duration::from_secs(5));
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) target: String,
    pub(crate) args: Vec<Value>,
    pub(crate) context: Vec<(Value, Value)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) authority: Authority,
    pub(crate) chain: Chain,
    pub(crate) is_alone: bool,
}

impl Call {
    /// A call of an entry by id, `ns:name`, or of a module's method, `ns:name.method`.
    pub fn new(target: impl Into<String>) -> Self {
        Call {
            target: target.into(),
            args: Vec::new(),
            context: Vec::new(),
            timeout: None,
            authority: Authority::default(),
            chain: Chain::default(),
            is_alone: false,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, value: impl Into<Value>) -> Self {
        self.args.push(value.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.args.extend(values);
        self
    }

    /// Sets a value that the entry reads through module `ctx`, and the entries it calls too.
    #[must_use]
    pub fn context(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.context.push((Value::from(key.into()), value.into()));
        self
    }

    /// Sets a limit for this call, besides the entry's own.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sets the actor and the scope that the call, and those it makes, act with.
    #[must_use]
    pub fn authority(mut self, authority: Authority) -> Self {
        self.authority = authority;
        self
    }

    /// Sets who hears what the call and those that it makes print and log, in place of the host's output and log.
    #[must_use]
    pub fn heard_by(mut self, listener: Arc<dyn Listener>) -> Self {
        self.chain = Chain::heard_by(listener);
        self
    }

    /// Runs the call in a fresh cell of its own, whatever the entry's `pool` says. The entries that it calls have theirs.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    pub(crate) fn encoded_args(&self) -> Vec<u8> {
        args_to_msgpack(&self.args)
    }
}
