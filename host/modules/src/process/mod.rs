//! The global `process`.

mod order;

use crate::CallContext;
use crate::bindings::process::{Host, add_to_linker};
use crate::bindings::{Answer as Told, answer};
use futures_util::future::BoxFuture;
pub use order::Order;
use perilune_cell::interfaces::{failure_to_wit, types};
use perilune_cell::{CellState, Class, Message, Module, Pid, Reservation, Ticket};
use perilune_value::{Failure, Kind, Value, check_args};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "process",
    summary: "Processes: who runs, their relations and messages.",
    classes: &[Class::Workflow, Class::Nondeterministic],
    link: |linker| add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What one run does to another.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Ends it.
    Terminate,
    /// Asks it to end by itself.
    Cancel(Option<String>),
    /// Learns of its end, or no longer.
    Monitor(bool),
    /// Fails with it, or no longer.
    Link(bool),
}

impl Signal {
    fn action(&self) -> &'static str {
        match self {
            Signal::Terminate => "process.terminate",
            Signal::Cancel(_) => "process.cancel",
            Signal::Monitor(true) => "process.monitor",
            Signal::Monitor(false) => "process.unmonitor",
            Signal::Link(true) => "process.link",
            Signal::Link(false) => "process.unlink",
        }
    }
}

/// Who knows all runs of the host.
pub trait Processes: Send + Sync {
    /// The pid that a text stands for: a pid or a name.
    fn identify(&self, text: &str) -> Result<String, Failure>;

    /// Puts a message into a mailbox. [`Sent::Slowly`] where that takes time: nothing has happened then, and [`Processes::signal_workflow`]
    /// does it.
    fn send(&self, to: &str, message: &Message) -> Result<Sent, Failure>;

    /// Starts a process and gives its pid; `None` for a workflow, which [`Processes::start_workflow`] starts.
    fn spawn(&self, order: Order) -> Result<Option<String>, Failure>;

    /// Sends a message to a workflow. Once this is done, the message is safe.
    fn signal_workflow(&self, to: &str, message: Message) -> BoxFuture<'static, Result<(), Failure>>;

    /// Starts a workflow and gives its pid. Once this is done, the workflow is safe.
    fn start_workflow(&self, order: Order) -> BoxFuture<'static, Result<String, Failure>>;

    /// Starts a process and waits for its result. Dropping the future does not end it.
    fn exec(&self, order: Order) -> BoxFuture<'static, Result<Vec<u8>, Failure>>;

    /// One run does something to another.
    fn signal(&self, from: &Pid, to: &str, signal: Signal) -> Result<(), Failure>;

    /// Whether failures of linked runs are events; sets it first, if a value is given.
    fn trap_links(&self, run: &Pid, trap: Option<bool>) -> bool;

    /// Whether a process learns of changes of its code; sets it first, if a value is given.
    fn upgradable(&self, run: &Pid, value: Option<bool>) -> Result<bool, Failure>;

    /// Gives a run a name.
    fn register(&self, name: &str, run: &str) -> Result<(), Failure>;

    /// Takes a name from a run; false when it does not have it.
    fn unregister(&self, name: &str, run: &Pid) -> bool;

    /// Has another code run in place of a run's own.
    fn upgrade(&self, run: &Pid, entry: Option<String>, args: Vec<u8>) -> Result<(), Failure>;

    /// Adds a message to those that the next code finds unread.
    fn hand_over(&self, run: &Pid, message: Message);

    /// Notes a message that a run has not read when it ended.
    fn left_unread(&self, run: &Pid, topic: &str, sender: &str, bytes: usize);
}

/// Whether a message is in its mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is.
    Now,
    /// Not yet: to put it there takes time.
    Slowly,
}

/// A result that waits for whoever asked for it.
type Answer = (Vec<u8>, Reservation);

/// Lets a run act on another one, or name it: the resource is a pid or a name.
fn check(state: &CellState, action: &str, resource: &str) -> Result<(), Failure> {
    let Some(context) = state.context.downcast_ref::<CallContext>() else {
        // Sources are parsed outside of any call, and run nothing.
        return Err(Failure::new(Kind::PermissionDenied, format!("{action} outside of a call")));
    };
    if !context.is_guarded() {
        return Ok(());
    }
    let about = Value::from_iter([("pid", Value::from(state.identity.pid.to_string()))]);
    context.check_with(action, resource, &about)
}

/// As [`check`], where the resource is the pid of whoever a text stands for.
fn check_pid(state: &CellState, action: &str, whom: &str) -> Result<(), Failure> {
    let context = CallContext::of(state).map_err(|error| Failure::internal(error.to_string()))?;
    if !context.is_guarded() {
        return Ok(());
    }
    let pid = context.host.processes.identify(whom).unwrap_or_else(|_| whom.to_owned());
    check(state, action, &pid)
}

fn signal(state: &CellState, whom: &str, signal: Signal) -> Told<()> {
    let processes = &CallContext::of(state)?.host.processes;
    answer(check_pid(state, signal.action(), whom).and_then(|()| {
        let other = processes.identify(whom)?;
        processes.signal(&state.identity.pid, &other, signal)
    }))
}

/// The receiver must not be bothered with bytes that are no values.
fn check_payloads(payloads: &[u8]) -> Result<(), Failure> {
    check_args(payloads).map_err(|error| Failure::invalid(error.to_string()))
}

/// Topics that begin with `@` are the host's own: who could send to them could forge its events.
fn check_topic(topic: &str) -> Result<(), Failure> {
    if topic.is_empty() || topic.starts_with('@') {
        return Err(Failure::invalid("a topic is a text that is not empty and does not begin with @"));
    }
    Ok(())
}

impl Host for CellState {
    fn id(&mut self) -> wasmtime::Result<String> {
        Ok(self.identity.entry.to_string())
    }

    fn pid(&mut self) -> wasmtime::Result<String> {
        Ok(self.identity.pid.text())
    }

    fn send(&mut self, to: String, topic: String, payloads: Vec<u8>) -> Told<bool> {
        let processes = &CallContext::of(self)?.host.processes;
        let allowed = check_topic(&topic).and_then(|()| check_pid(self, "process.send", &to));
        answer(allowed.and_then(|()| check_payloads(&payloads)).and_then(|()| {
            let message = Message { topic, sender: self.identity.pid.text(), payloads };
            Ok(processes.send(&to, &message)? == Sent::Now)
        }))
    }

    fn start_signal(&mut self, to: String, topic: String, payloads: Vec<u8>) -> wasmtime::Result<Ticket> {
        let held = self.hold(payloads.len())?;
        let allowed = check_topic(&topic).and_then(|()| check_pid(self, "process.send", &to));
        let allowed = allowed.and_then(|()| check_payloads(&payloads));
        let processes = &CallContext::of(self)?.host.processes;
        let message = Message { topic, sender: self.identity.pid.text(), payloads };
        let sent = allowed.map(|()| processes.signal_workflow(&to, message));
        self.tickets.start(async move {
            let sent = sent?.await;
            drop(held);
            sent
        })
    }

    fn take_signal(&mut self, ticket: Ticket) -> Told<()> {
        Ok(self.tickets.take::<()>(ticket)?.map_err(failure_to_wit))
    }

    fn start_workflow(
        &mut self,
        entry: String,
        host: String,
        options: Vec<u8>,
        args: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let held = self.hold(args.len())?;
        let context = CallContext::of(self)?;
        let order = order::prepare(self, context, entry, host, &options, args, order::SPAWN);
        let started = order.map(|order| context.host.processes.start_workflow(order));
        self.tickets.start(async move {
            let started = started?.await;
            drop(held);
            started
        })
    }

    fn take_workflow(&mut self, ticket: Ticket) -> Told<String> {
        Ok(self.tickets.take::<String>(ticket)?.map_err(failure_to_wit))
    }

    fn spawn(&mut self, entry: String, host: String, options: Vec<u8>, args: Vec<u8>) -> Told<String> {
        let context = CallContext::of(self)?;
        let order = order::prepare(self, context, entry, host, &options, args, order::SPAWN);
        let pid = order.and_then(|order| context.host.processes.spawn(order));
        answer(pid.map(Option::unwrap_or_default))
    }

    fn start_exec(
        &mut self,
        entry: String,
        host: String,
        options: Vec<u8>,
        args: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let args_held = self.hold(args.len())?;
        let held = self.held.clone();
        let context = CallContext::of(self)?;
        let order = order::prepare(self, context, entry, host, &options, args, order::EXEC);
        let process = order.map(|order| (order.entry.clone(), context.host.processes.exec(order)));
        self.tickets.start::<Answer>(async move {
            let (entry, process) = process?;
            let result = process.await?;
            drop(args_held);
            let reserved = held.reserve(result.len()).ok_or_else(|| too_large(&entry))?;
            Ok((result, reserved))
        })
    }

    fn take_exec(&mut self, ticket: Ticket) -> wasmtime::Result<Result<Vec<u8>, types::Failure>> {
        Ok(self.tickets.take::<Answer>(ticket)?.map(|(result, _)| result).map_err(failure_to_wit))
    }

    fn terminate(&mut self, whom: String) -> Told<()> {
        signal(self, &whom, Signal::Terminate)
    }

    fn cancel(&mut self, whom: String, reason: Option<String>) -> Told<()> {
        signal(self, &whom, Signal::Cancel(reason))
    }

    fn monitor(&mut self, whom: String) -> Told<()> {
        signal(self, &whom, Signal::Monitor(true))
    }

    fn unmonitor(&mut self, whom: String) -> Told<()> {
        signal(self, &whom, Signal::Monitor(false))
    }

    fn link(&mut self, whom: String) -> Told<()> {
        signal(self, &whom, Signal::Link(true))
    }

    fn unlink(&mut self, whom: String) -> Told<()> {
        signal(self, &whom, Signal::Link(false))
    }

    fn trap_links(&mut self, trap: Option<bool>) -> wasmtime::Result<bool> {
        Ok(CallContext::of(self)?.host.processes.trap_links(&self.identity.pid, trap))
    }

    fn upgradable(&mut self, value: Option<bool>) -> Told<bool> {
        answer(CallContext::of(self)?.host.processes.upgradable(&self.identity.pid, value))
    }

    fn register(&mut self, name: String, pid: Option<String>) -> Told<()> {
        let processes = &CallContext::of(self)?.host.processes;
        answer(check(self, "process.registry.register", &name).and_then(|()| {
            let run = match pid {
                None => self.identity.pid.text(),
                Some(pid) => {
                    let run = processes.identify(&pid)?;
                    if !self.identity.pid.is(&run) {
                        check(self, "process.registry.foreign", &run)?;
                    }
                    run
                }
            };
            processes.register(&name, &run)
        }))
    }

    fn lookup(&mut self, name: String) -> Told<String> {
        let found = match name.starts_with('{') {
            true => Err(Failure::not_found(format!("`{name}` is a pid, not a name"))),
            false => CallContext::of(self)?.host.processes.identify(&name),
        };
        answer(found)
    }

    fn unregister(&mut self, name: String) -> Told<bool> {
        let processes = &CallContext::of(self)?.host.processes;
        let allowed = check(self, "process.registry.unregister", &name);
        answer(allowed.map(|()| processes.unregister(&name, &self.identity.pid)))
    }

    fn upgrade(&mut self, entry: Option<String>, args: Vec<u8>) -> Told<()> {
        let processes = &CallContext::of(self)?.host.processes;
        answer(check_payloads(&args).and_then(|()| processes.upgrade(&self.identity.pid, entry, args)))
    }

    fn hand_over(&mut self, topic: String, sender: String, payloads: Vec<u8>) -> wasmtime::Result<()> {
        // What came before has been checked; a broken guest changes nobody's messages but its own.
        if check_payloads(&payloads).is_ok() {
            let message = Message { topic, sender, payloads };
            CallContext::of(self)?.host.processes.hand_over(&self.identity.pid, message);
        }
        Ok(())
    }

    fn left_unread(&mut self, topic: String, sender: String, bytes: u32) -> wasmtime::Result<()> {
        // A cell that is driven outside of any host ends like all others; nobody there counts letters.
        if let Some(context) = self.context.downcast_ref::<CallContext>() {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            context.host.processes.left_unread(&self.identity.pid, &topic, &sender, bytes);
        }
        Ok(())
    }

    fn may_choose_context(&mut self) -> Told<()> {
        answer(check(self, "process.context", "context"))
    }

    fn may_choose_security(&mut self) -> Told<()> {
        answer(check(self, "process.security", "security"))
    }
}

fn too_large(entry: &str) -> Failure {
    let message = format!("{entry}: results that wait for whoever asked exceed its `limits.memory`");
    Failure::new(Kind::RateLimited, message).with_detail("limit", "memory")
}
