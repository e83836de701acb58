//! How a process that is a component lives: one call of it, from its start to its end, which waits for messages in between.
//!
//! | state | what happens | next |
//! |---|---|---|
//! | loading | the component is compiled, unless it was, and what its entry grants is opened | computing |
//! | computing | it has a worker of its host | waiting, ended |
//! | waiting | for a message: its worker is somebody else's | computing, ended |
//! | ended | those related to it are told | |

use super::Callee;
use super::grants::Granted;
use super::peers::{Neighbours, Rest};
use crate::heavy::Heavy;
use crate::runtime::Inner;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::Identity;
use perilune_component::{Call, Purpose};
use perilune_modules::process::Order;
use perilune_modules::{self as modules, CallContext};
use perilune_process::{Activity, Born, Outcome, Place, ProcessHost, Run};
use perilune_value::{Failure, Kind};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// A process and all that it needs.
pub(crate) struct Life {
    born: Born,
    heavy: Arc<Heavy>,
    modules: Arc<modules::Host>,
    callee: Arc<Callee>,
    order: Order,
    seat: Arc<Seat>,
}

/// Its place on its host.
struct Seat {
    run: Arc<Run>,
    entry: Arc<str>,
    host: Arc<ProcessHost>,
    /// None once it has ended.
    taken: Mutex<Option<Taken>>,
}

struct Taken {
    place: Place,
    /// While it computes.
    worker: Option<OwnedSemaphorePermit>,
    has_grown: bool,
}

impl Life {
    pub(crate) fn new(
        inner: &Arc<Inner>,
        born: Born,
        mut place: Place,
        host: Arc<ProcessHost>,
        callee: Arc<Callee>,
        order: Order,
    ) -> Self {
        place.takes(order.args.len());
        let taken = Mutex::new(Some(Taken { place, worker: None, has_grown: false }));
        let seat = Seat { run: born.run.clone(), entry: callee.name().clone(), host, taken };
        Life {
            heavy: inner.heavy.clone(),
            modules: inner.modules.clone(),
            seat: Arc::new(seat),
            born,
            callee,
            order,
        }
    }

    /// Runs it to its end, and tells those who want to know.
    pub(crate) async fn live(self) {
        let Life { born, heavy, modules, callee, order, seat } = self;
        let ticked = Arc::default();
        let running = run(modules, callee, order, seat.clone(), born.mailbox.inbox(), Arc::clone(&ticked));
        let outcome = AssertUnwindSafe(heavy.run(running, ticked)).catch_unwind().await;
        let outcome: Outcome = match outcome {
            Ok(outcome) => outcome.map(Into::into),
            Err(_) => Err(Failure::internal("the host failed while it ran the process")),
        };
        if let Err(failure) = &outcome {
            let (entry, pid) = (&*seat.entry, &born.run.pid);
            tracing::warn!(target: "perilune::process", %pid, entry, error = %failure.message, "a process failed");
        }
        // Its place is free before anybody can hear of its end.
        seat.leave();
        born.end(&outcome);
    }
}

async fn run(
    modules: Arc<modules::Host>,
    callee: Arc<Callee>,
    order: Order,
    seat: Arc<Seat>,
    inbox: perilune_cell::Inbox,
    ticked: Arc<std::sync::atomic::AtomicBool>,
) -> Result<Vec<u8>, Failure> {
    let Order { args, context: values, authority, .. } = order;
    let entry = callee.name().clone();
    let pid = seat.run.pid.clone();
    let context = CallContext { values, authority, entry: entry.clone(), ..CallContext::new(modules) };
    let context = Arc::new(context);
    let loading = async {
        let program = callee.program().await?;
        let granted = Granted::of(&callee, &context).await?;
        seat.sit().await?;
        Ok::<_, Failure>((program, granted))
    };
    let (program, granted) = tokio::select! {
        biased;
        reason = inbox.ended() => return Err(reason),
        loaded = loading => loaded?,
    };
    let Granted { env, mounts, network } = granted;
    let call = Call {
        identity: Identity { entry, pid: pid.clone() },
        limits: callee.limits(),
        began: Instant::now(),
        host: callee.host.clone(),
        purpose: Purpose::Effect,
        args,
        env,
        mounts,
        network,
        peers: Arc::new(Neighbours { pid, context, rest: Resting(seat) }),
        inbox,
        ticked,
    };
    program.run(call).await
}

impl Seat {
    fn taken(&self) -> MutexGuard<'_, Option<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a worker.
    async fn sit(&self) -> Result<(), Failure> {
        let has_grown = self.taken().as_mut().is_some_and(|taken| std::mem::take(&mut taken.has_grown));
        if has_grown && self.host.is_over() {
            return Err(self.too_much_memory());
        }
        let worker = self.host.worker().await;
        if let Some(taken) = self.taken().as_mut() {
            taken.worker = worker;
        }
        self.run.vitals.set_activity(Activity::Running);
        Ok(())
    }

    fn stand(&self, memory: usize) {
        if let Some(taken) = self.taken().as_mut() {
            taken.has_grown |= taken.place.takes(memory);
            taken.worker = None;
        }
        self.run.vitals.turn_over(memory);
    }

    fn leave(&self) {
        *self.taken() = None;
    }

    fn too_much_memory(&self) -> Failure {
        let (entry, host) = (&self.entry, self.host.id());
        let message =
            format!("{entry}: ended, since all processes of {host} together exceed its `max_memory`");
        Failure::new(Kind::RateLimited, message)
            .with_detail("entry", &**entry)
            .with_detail("limit", "max_memory")
    }
}

/// A process gives its worker to others while it waits.
struct Resting(Arc<Seat>);

impl Rest for Resting {
    fn waits(&self, memory: usize) {
        self.0.stand(memory);
    }

    fn goes_on(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let seat = self.0.clone();
        async move { seat.sit().await }.boxed()
    }
}
