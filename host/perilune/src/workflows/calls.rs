//! Modules `funcs` and `process` in a workflow: activities, children, signals.

use super::recorder::{History, Undo, check_size};
use super::{headers, options};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use perilune_cell::{Message, Pid};
use perilune_modules::funcs::{FunctionCall, Functions};
use perilune_modules::process::{Order, Processes, Sent, Signal};
use perilune_value::{Failure, Kind, Value, args_from_msgpack};
use perilune_workflow::{
    CommandKind, ContinueAsNew, ExternalTarget, Fields, ScheduleActivity, Signal as Told, StartChild,
};
use tokio::sync::oneshot;

/// The activity that puts a message into the mailbox of a run that is no workflow.
pub(super) const SEND: &str = "perilune:send";

fn values(args: &[u8]) -> Result<Vec<Value>, Failure> {
    args_from_msgpack(args).map_err(|error| Failure::invalid(error.to_string()))
}

impl Functions for History {
    fn call(&self, call: FunctionCall) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
        match self.schedule(call) {
            Ok(result) => result,
            Err(failure) => ready(Err(failure)).boxed(),
        }
    }
}

impl History {
    fn schedule(&self, call: FunctionCall) -> Result<BoxFuture<'static, Result<Vec<u8>, Failure>>, Failure> {
        let (mut how, activity_id) = options::activity(&call.options)?;
        how.queue = how.queue.or_else(|| self.0.at.route(&call.target, "activity").queue);
        check_size(&call.target, call.args.len())?;
        let args = values(&call.args)?;
        let headers = headers::write(&call.context, &call.authority);
        let mut state = self.0.lock();
        state.may_act(&call.target)?;
        let seq = state.next_seq();
        let (done, result) = oneshot::channel();
        state.results.insert(seq, done);
        state.push(CommandKind::ScheduleActivity(Box::new(ScheduleActivity {
            seq,
            activity_type: call.target,
            args,
            headers,
            activity_id,
            options: how,
        })));
        drop(state);
        let undo = Undo {
            recorder: self.0.clone(),
            is_over: false,
            undo: move |state| {
                state.results.remove(&seq);
                state.push(CommandKind::CancelActivity { seq });
            },
        };
        Ok(async move {
            let result = result.await;
            undo.done();
            result.unwrap_or_else(|_| Err(gone()))
        }
        .boxed())
    }

    /// Starts a child: its number and its pid.
    fn start(&self, order: &Order) -> Result<(u32, String), Failure> {
        options::check_spawn(&order.options)?;
        let mut how = options::child(&order.options)?;
        check_size(&order.entry, order.args.len())?;
        let args = values(&order.args)?;
        how.start.headers = headers::write(&order.context, &order.authority);
        how.start.signals = order.messages.iter().map(told).collect::<Result<_, _>>()?;
        let mut state = self.0.lock();
        state.may_act(&order.entry)?;
        let seq = state.next_seq();
        let id = how.start.id.get_or_insert_with(|| self.0.child_id(seq)).clone();
        let route = self.0.at.route(&order.entry, "workflow");
        let host = if order.host.is_empty() { &*route.host } else { order.host.as_str() };
        let pid = format!("{{{host}|{id}}}");
        how.start.queue = how.start.queue.or(route.queue);
        state.starting.insert(seq, (pid.clone(), Vec::new()));
        state.push(CommandKind::StartChild(Box::new(StartChild {
            seq,
            workflow_type: route.name,
            args,
            options: how,
        })));
        Ok((seq, pid))
    }
}

/// A message as a signal.
fn told(message: &Message) -> Result<Told, Failure> {
    let sender = Some(message.sender.clone()).filter(|sender| !sender.is_empty());
    let (name, args) = (message.topic.clone(), values(&message.payloads)?);
    Ok(Told { name, args, headers: Fields::new(), sender })
}

fn gone() -> Failure {
    Failure::new(Kind::Canceled, "the workflow has ended")
}

/// The parts of a workflow's pid: its host, and its id.
pub(super) fn parts(pid: &str) -> Option<(&str, &str)> {
    pid.strip_prefix('{')?.strip_suffix('}')?.split_once('|')
}

/// The pid of a process on this host rather than a workflow: its number is hexadecimal, and its host no entry of workflows that could
/// be asked here, so the form decides.
fn external(pid: &str) -> Option<ExternalTarget> {
    let (host, id) = parts(pid)?;
    let is_numbered = Pid::number(pid).is_some() && id.len() >= 5;
    let is_workflow = host.contains(':') && !is_numbered;
    is_workflow.then(|| ExternalTarget { workflow_id: id.to_owned(), run_id: None })
}

fn only_workflows(what: &str, whom: &str) -> Failure {
    Failure::invalid(format!("{what}: a workflow can do this to workflows only, and {whom} is none"))
}

impl Processes for History {
    fn identify(&self, text: &str) -> Result<String, Failure> {
        Ok(text.to_owned())
    }

    fn send(&self, to: &str, message: &Message) -> Result<Sent, Failure> {
        check_size("process.send", message.payloads.len())?;
        let mut state = self.0.lock();
        state.may_act("process.send")?;
        if to == self.0.pid() {
            state.to_self.push_back(message.clone());
            return Ok(Sent::Now);
        }
        if let Some(("update", id)) = parts(to) {
            if !state.updates.is_open(id) {
                return Err(Failure::not_found(format!("update {id} is not open")));
            }
            let payload = values(&message.payloads)?.into_iter().next().unwrap_or_default();
            for command in state.updates.told(id, &message.topic, payload) {
                state.push(command);
            }
            return Ok(Sent::Now);
        }
        if let Some(target) = external(to) {
            let signal = told(message)?;
            if !state.hold(to, &target, &signal) {
                state.signal(target, signal);
            }
            return Ok(Sent::Now);
        }
        let seq = state.next_seq();
        // Outside of the history: once it is on record that it is to be sent, and again if the host dies just then.
        let mut args = vec![Value::from(to), Value::from(&*message.topic), Value::from(&*message.sender)];
        args.extend(values(&message.payloads)?);
        let options = super::activities::options_of_send();
        state.sends.insert(seq);
        state.push(CommandKind::ScheduleActivity(Box::new(ScheduleActivity {
            seq,
            activity_type: SEND.to_owned(),
            args,
            headers: Fields::new(),
            activity_id: None,
            options,
        })));
        Ok(Sent::Now)
    }

    fn spawn(&self, order: Order) -> Result<Option<String>, Failure> {
        let (seq, pid) = self.start(&order)?;
        self.0.lock().children.insert(seq, pid.clone());
        Ok(Some(pid))
    }

    /// It is a command, which takes no time.
    fn signal_workflow(&self, to: &str, message: Message) -> BoxFuture<'static, Result<(), Failure>> {
        ready(self.send(to, &message).map(drop)).boxed()
    }

    fn start_workflow(&self, order: Order) -> BoxFuture<'static, Result<String, Failure>> {
        ready(self.spawn(order).map(Option::unwrap_or_default)).boxed()
    }

    fn exec(&self, order: Order) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
        let (done, result) = oneshot::channel();
        match self.start(&order) {
            Ok((seq, _)) => {
                self.0.lock().results.insert(seq, done);
                async move { result.await.unwrap_or_else(|_| Err(gone())) }.boxed()
            }
            Err(failure) => ready(Err(failure)).boxed(),
        }
    }

    fn signal(&self, _: &Pid, to: &str, signal: Signal) -> Result<(), Failure> {
        let mut state = self.0.lock();
        state.may_act("process")?;
        let (what, reason) = match &signal {
            Signal::Cancel(reason) => ("process.cancel", reason.clone().unwrap_or_default()),
            Signal::Terminate => ("process.terminate", String::new()),
            Signal::Monitor(_) | Signal::Link(_) => {
                let message =
                    "a workflow gets the ends of its children as events, and can watch or link nobody else";
                return Err(Failure::invalid(message));
            }
        };
        let child = state.children.iter().find(|(_, pid)| pid.as_str() == to).map(|(seq, _)| *seq);
        if let Some(seq) = child {
            state.push(CommandKind::CancelChild { seq, reason });
            return Ok(());
        }
        let target = external(to).ok_or_else(|| only_workflows(what, to))?;
        let seq = state.next_seq();
        state.push(CommandKind::CancelExternal { seq, target, reason });
        Ok(())
    }

    fn trap_links(&self, _: &Pid, _: Option<bool>) -> bool {
        true
    }

    /// New code is for new runs: a running one learns of nothing.
    fn upgradable(&self, _: &Pid, _: Option<bool>) -> Result<bool, Failure> {
        Err(Failure::invalid("a workflow goes on with the code it has: see `workflow.version`"))
    }

    /// The history shows what came and was not read.
    fn left_unread(&self, _: &Pid, _: &str, _: &str, _: usize) {}

    fn register(&self, _: &str, _: &str) -> Result<(), Failure> {
        Err(Failure::invalid("a workflow is known by its id: name it where it is started"))
    }

    fn unregister(&self, _: &str, _: &Pid) -> bool {
        false
    }

    fn upgrade(&self, _: &Pid, entry: Option<String>, args: Vec<u8>) -> Result<(), Failure> {
        check_size("process.upgrade", args.len())?;
        let mut state = self.0.lock();
        state.may_act("process.upgrade")?;
        let mut next = ContinueAsNew::new(values(&args)?);
        next.workflow_type = entry;
        state.next = Some(Box::new(next));
        Ok(())
    }

    /// What the run has not read goes on with the next one.
    fn hand_over(&self, _: &Pid, message: Message) {
        self.carry(message);
    }
}

impl History {
    /// Leaves a message to the run that follows this one, if one does.
    pub(super) fn carry(&self, message: Message) {
        let Ok(payloads) = values(&message.payloads) else { return };
        let unread = Value::Array(vec![
            Value::from(message.topic),
            Value::from(message.sender),
            Value::Array(payloads),
        ]);
        self.0.lock().carry(unread, headers::write(&self.0.values, &self.0.authority));
    }
}

impl super::recorder::State {
    /// Adds an unread message to those that the next run begins with.
    fn carry(&mut self, unread: Value, inherited: Fields) {
        let Some(next) = &mut self.next else { return };
        let headers = next.headers.get_or_insert(inherited);
        match headers.entry(headers::UNREAD.to_owned()).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(all) => all.push(unread),
            other => *other = Value::Array(vec![unread]),
        }
    }
}
