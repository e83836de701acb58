//! How a process lives: turn after turn, through upgrades, to its end.
//!
//! | state | what happens | next |
//! |---|---|---|
//! | loading | a cell is made from the entry's image | computing |
//! | computing | a turn runs, on threads of its own once it takes longer than a tick | waiting, loading (upgrade), ended |
//! | waiting | for a message, an operation or its end; after a while without its cell (`rest.rs`) | computing, ended |
//! | ended | those related to it are told | |

use crate::heavy::Heavy;
use crate::pools::LuaTarget;
use crate::program::Program;
use crate::runtime::Inner;
use futures_util::FutureExt;
use perilune_cell::{Backlog, CallSpec, Cell, Death, Event, Identity, Mailbox, Status};
use perilune_modules::process::Order;
use perilune_modules::{self as modules, CallContext};
use perilune_process::{Activity, Attached, Born, Outcome, Place, ProcessHost, Run};
use perilune_resource::Attachment;
use perilune_security::Authority;
use perilune_value::{Failure, Kind, Value};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::Notify;

/// A process and all that it needs.
pub(crate) struct Life {
    born: Born,
    body: Body,
}

/// All but its mailbox.
pub(super) struct Body {
    /// It must not keep the runtime alive.
    inner: Weak<Inner>,
    heavy: Arc<Heavy>,
    modules: Arc<modules::Host>,
    pub(super) run: Arc<Run>,
    /// Where it has one. It is free again before the place on the host is.
    terminal: Option<Arc<Attached>>,
    pub(super) place: Place,
    pub(super) host: Arc<ProcessHost>,
    pub(super) relief: Arc<Notify>,
    target: LuaTarget,
    args: Vec<u8>,
    values: Value,
    authority: Authority,
    /// The cell of code that has ended, for a process to come. Only ever asked for by this process: the lock makes it shareable.
    left: Mutex<Option<(Arc<Program>, Box<Cell>)>>,
}

/// How the code of a process ended.
enum End {
    Result(Vec<u8>),
    /// Another code takes its place.
    Upgrade,
}

impl Life {
    pub(crate) fn new(
        inner: &Arc<Inner>,
        born: Born,
        mut place: Place,
        host: Arc<ProcessHost>,
        terminal: Option<Attached>,
        target: LuaTarget,
        order: Order,
    ) -> Self {
        // They wait for a cell, and that may take a while.
        place.takes(order.args.len());
        let body = Body {
            inner: Arc::downgrade(inner),
            heavy: inner.heavy.clone(),
            modules: inner.modules.clone(),
            run: born.run.clone(),
            terminal: terminal.map(Arc::new),
            place,
            host,
            relief: inner.relief.clone(),
            target,
            args: order.args,
            values: order.context,
            authority: order.authority,
            left: Mutex::default(),
        };
        Life { born, body }
    }

    /// Runs it to its end, and tells those who want to know.
    pub(crate) async fn live(mut self) {
        let outcome = AssertUnwindSafe(self.body.run(&mut self.born.mailbox)).catch_unwind().await;
        let Life { born, mut body } = self;
        let outcome: Outcome = match outcome {
            Ok(outcome) => outcome.map(Into::into),
            Err(_) => Err(Failure::internal("the host failed while it ran the process")),
        };
        if let Err(failure) = &outcome {
            let (entry, pid) = (body.entry(), &born.run.pid);
            tracing::warn!(target: "perilune::process", %pid, entry, error = %failure.message, "a process failed");
        }
        let left = body.left.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // Its place is free before anybody can hear of its end.
        drop(body);
        born.end(&outcome);
        if let Some((program, cell)) = left {
            program.spares.keep(&program, cell);
        }
    }
}

impl Body {
    /// Whose code it runs.
    fn entry(&self) -> &str {
        self.target.callee.program.name()
    }

    async fn run(&mut self, mailbox: &mut Mailbox) -> Result<Vec<u8>, Failure> {
        loop {
            let program = self.target.callee.program.clone();
            if let Some(reason) = mailbox.killed() {
                return Err(reason);
            }
            match self.run_code(&program, mailbox).await {
                Ok(Ok(End::Result(result))) => return Ok(result),
                Ok(Ok(End::Upgrade)) => {}
                Ok(Err(failure)) => return Err(failure),
                Err(death) => return Err(death.into_failure(program.name())),
            }
            self.upgrade(mailbox)?;
        }
    }

    /// Runs one code of the process. What it raises or returns as its error is the inner failure.
    async fn run_code(
        &mut self,
        program: &Arc<Program>,
        mailbox: &mut Mailbox,
    ) -> Result<Result<End, Failure>, Death> {
        // Boxed: it is short, and larger than all that a process needs while it waits.
        let cell = match self.cell(program, mailbox).boxed().await {
            Ok(cell) => cell,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut events = Vec::new();
        let ended = self.take_turns(program, cell, mailbox, &mut events).await;
        if ended.is_err() {
            // Nobody knows what of its last turn the script has read: in doubt it has not.
            mailbox.put_back(events.into_iter());
        }
        ended
    }

    /// Leaves in `events` what the last turn was given.
    async fn take_turns(
        &mut self,
        program: &Arc<Program>,
        mut cell: Box<Cell>,
        mailbox: &mut Mailbox,
        events: &mut Vec<Event>,
    ) -> Result<Result<End, Failure>, Death> {
        let mut next = Next::Start(std::mem::take(&mut self.args));
        loop {
            let status;
            self.run.vitals.set_activity(Activity::Running);
            (cell, *events, status) = self.turn(cell, std::mem::take(events), next).await;
            next = Next::Turn;
            let memory = cell.state().memory_size();
            self.run.vitals.turn_over(memory);
            let has_grown = self.place.takes(memory);
            let backlog = match status? {
                Status::Done(result) => {
                    self.left = Mutex::new(Some((program.clone(), cell)));
                    // It has said itself what it did not read.
                    mailbox.set_backlog(Backlog::default());
                    return Ok(result.map(End::Result));
                }
                Status::Waiting(backlog) => backlog,
            };
            if self.run.is_upgrading() {
                return Ok(Ok(End::Upgrade));
            }
            mailbox.set_backlog(backlog);
            if has_grown && self.host.is_over() {
                return Ok(Err(self.too_much_memory(program)));
            }
            // A process whose mailbox never empties lets others have their turn.
            tokio::task::consume_budget().await;
            events.clear();
            cell = self.wait(program, cell, mailbox, events).await?;
        }
    }

    async fn cell(&mut self, program: &Arc<Program>, mailbox: &Mailbox) -> Result<Box<Cell>, Failure> {
        let mut cell = loop {
            if let Some(cell) = program.spares.take() {
                break cell;
            }
            match program.cell().await {
                Ok(cell) => break Box::new(cell),
                Err(failure) => self.try_again(mailbox, failure).await?,
            }
        };
        let name = program.name();
        let context = CallContext {
            values: self.values.clone(),
            authority: self.authority.clone(),
            entry: name.clone(),
            attachment: self.terminal.clone().map(|terminal| terminal as Attachment),
            ..CallContext::new(self.modules.clone())
        };
        cell.begin_call(CallSpec {
            identity: Identity { entry: name.clone(), pid: self.run.pid.clone() },
            limits: program.limits(),
            context: Arc::new(context),
            began: Instant::now(),
        });
        cell.obey(mailbox);
        program.finish_loading(&mut cell).await?;
        Ok(cell)
    }

    /// One turn, on threads for what computes long once it has taken a tick.
    async fn turn(
        &self,
        mut cell: Box<Cell>,
        events: Vec<Event>,
        next: Next,
    ) -> (Box<Cell>, Vec<Event>, Result<Status, Death>) {
        let ticked = cell.ticked();
        let _worker = self.host.worker().await;
        let method = self.target.method.clone();
        let turn = async move {
            let status = match next {
                Next::Start(args) => cell.start(&method, &args).await,
                Next::Turn => cell.turn(&events).await,
            };
            (cell, events, status)
        };
        self.heavy.run(turn, ticked).await
    }

    /// Takes over what the code before asked for.
    fn upgrade(&mut self, mailbox: &mut Mailbox) -> Result<(), Failure> {
        let Some(upgrade) = self.run.take_upgrade() else { return Ok(()) };
        mailbox.set_backlog(Backlog::default());
        mailbox.put_back(upgrade.unread.into_iter().map(Event::Message));
        let gone = || Failure::new(Kind::Canceled, "the host is shutting down");
        let inner = self.inner.upgrade().ok_or_else(gone)?;
        self.target = inner.process_entry(upgrade.entry.as_deref().unwrap_or(self.entry()))?.into_lua()?;
        self.args = upgrade.args;
        let program = &self.target.callee.program;
        self.run.set_code(program.name().clone(), program.clone());
        // It may have changed once more meanwhile.
        inner.tell_if_outdated(&self.run);
        Ok(())
    }

    fn too_much_memory(&self, program: &Program) -> Failure {
        let (name, host) = (program.name(), self.host.id());
        let message =
            format!("{name}: ended, since all processes of {host} together exceed its `max_memory`");
        Failure::new(Kind::RateLimited, message)
            .with_detail("entry", &**name)
            .with_detail("limit", "max_memory")
    }
}

/// What a turn begins with.
enum Next {
    /// The arguments.
    Start(Vec<u8>),
    /// Events.
    Turn,
}
