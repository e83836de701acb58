//! What a component does to other runs, with the permissions that Lua needs for it.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use perilune_cell::{Identity, Message, Pid};
use perilune_component::{Act, Peers};
use perilune_modules::process::{Order, Processes, Sent, Signal};
use perilune_modules::{CallContext, funcs};
use perilune_value::{Failure, Value};
use std::sync::Arc;
use std::time::Duration;

/// How a run rests while it waits for messages, and goes on.
pub(super) trait Rest: Send + Sync {
    fn waits(&self, memory: usize);

    fn goes_on(&self) -> BoxFuture<'static, Result<(), Failure>>;
}

/// The other runs, as one of them sees them.
pub(super) struct Neighbours<R> {
    pub(super) pid: Pid,
    pub(super) context: Arc<CallContext>,
    pub(super) rest: R,
}

impl<R> Neighbours<R> {
    fn processes(&self) -> &Arc<dyn Processes> {
        &self.context.host.processes
    }

    fn check(&self, action: &str, resource: &str) -> Result<(), Failure> {
        if !self.context.is_guarded() {
            return Ok(());
        }
        let about = Value::from_iter([("pid", Value::from(self.pid.to_string()))]);
        self.context.check_with(action, resource, &about)
    }

    /// As [`Neighbours::check`], where the resource is the pid of whoever a text stands for.
    fn check_pid(&self, action: &str, whom: &str) -> Result<(), Failure> {
        if !self.context.is_guarded() {
            return Ok(());
        }
        let pid = self.processes().identify(whom).unwrap_or_else(|_| whom.to_owned());
        self.check(action, &pid)
    }

    fn post(&self, to: &str, message: &Message) -> Result<Sent, Failure> {
        if message.topic.is_empty() || message.topic.starts_with('@') {
            return Err(Failure::invalid("a topic is a text that is not empty and does not begin with @"));
        }
        self.check_pid("process.send", to)?;
        self.processes().send(to, message)
    }

    fn order(&self, entry: String, host: String, args: Vec<u8>) -> Result<Order, Failure> {
        self.check("process.spawn", &entry)?;
        self.check("process.host", &host)?;
        let CallContext { values, authority, .. } = &*self.context;
        Ok(Order {
            parent: Some(self.pid.clone()),
            context: values.clone(),
            ..Order::new(entry, host, args, authority.clone())
        })
    }
}

impl<R: Rest> Peers for Neighbours<R> {
    fn send(&self, to: String, topic: String, payloads: Vec<u8>) -> BoxFuture<'static, Result<(), Failure>> {
        let message = Message { topic, sender: self.pid.to_string(), payloads };
        match self.post(&to, &message) {
            Ok(Sent::Now) => ready(Ok(())).boxed(),
            Ok(Sent::Slowly) => self.processes().signal_workflow(&to, message),
            Err(failure) => ready(Err(failure)).boxed(),
        }
    }

    fn spawn(
        &self,
        entry: String,
        host: String,
        args: Vec<u8>,
    ) -> BoxFuture<'static, Result<String, Failure>> {
        let started = self.order(entry, host, args).and_then(|order| {
            let pid = self.processes().spawn(order.clone())?;
            Ok((pid, order))
        });
        match started {
            Ok((Some(pid), _)) => ready(Ok(pid)).boxed(),
            Ok((None, order)) => self.processes().start_workflow(order),
            Err(failure) => ready(Err(failure)).boxed(),
        }
    }

    fn call(
        &self,
        target: String,
        args: Vec<u8>,
        timeout: Option<Duration>,
    ) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
        let caller = Identity { entry: self.context.entry.clone(), pid: self.pid.clone() };
        let millis = |timeout: Duration| Value::from(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX));
        let options = Value::from_iter(timeout.map(|timeout| ("timeout", millis(timeout))));
        funcs::call(&self.context, &caller, target, options, args)
    }

    fn act(&self, whom: &str, act: Act) -> Result<(), Failure> {
        let (action, signal) = match act {
            Act::Cancel(reason) => ("process.cancel", Signal::Cancel(reason)),
            Act::Terminate => ("process.terminate", Signal::Terminate),
            Act::Monitor(true) => ("process.monitor", Signal::Monitor(true)),
            Act::Monitor(false) => ("process.unmonitor", Signal::Monitor(false)),
            Act::Link(true) => ("process.link", Signal::Link(true)),
            Act::Link(false) => ("process.unlink", Signal::Link(false)),
        };
        self.check_pid(action, whom)?;
        let other = self.processes().identify(whom)?;
        self.processes().signal(&self.pid, &other, signal)
    }

    fn trap_links(&self, trap: bool) {
        self.processes().trap_links(&self.pid, Some(trap));
    }

    fn register(&self, name: &str) -> Result<(), Failure> {
        self.check("process.registry.register", name)?;
        self.processes().register(name, &self.pid.to_string())
    }

    fn unregister(&self, name: &str) -> Result<bool, Failure> {
        self.check("process.registry.unregister", name)?;
        Ok(self.processes().unregister(name, &self.pid))
    }

    fn lookup(&self, name: &str) -> Result<String, Failure> {
        if name.starts_with('{') {
            return Err(Failure::not_found(format!("`{name}` is a pid, not a name")));
        }
        self.processes().identify(name)
    }

    fn waits(&self, memory: usize) {
        self.rest.waits(memory);
    }

    fn goes_on(&self) -> BoxFuture<'static, Result<(), Failure>> {
        self.rest.goes_on()
    }
}
