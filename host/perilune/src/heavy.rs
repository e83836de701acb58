//! Calls that compute for longer than a tick go on apart from the others.
//!
//! A call begins on its caller's task. When its second tick passes, its future moves to threads of its own, as many as there are
//! cores, to which the system prefers all others: a call that spins then delays short ones by what a context switch costs,
//! instead of holding the thread that they need until the next tick. When it waits for something it comes back, since what it does
//! next may be short. What such a call starts, it starts where it began itself:
//! a process is not to live on the threads that come last because the one who spawned it computes.
//!
//! | a call is on | until | and goes on on |
//! |---|---|---|
//! | its caller's task | its second tick | yielding threads |
//! | yielding threads | it waits for something | its caller's task |
//! | | other programs leave it nothing (`heavy/share.rs`) | ordinary threads |
//! | ordinary threads | it waits for something | its caller's task |
//! | | ten seconds have passed | yielding threads |

mod share;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use share::{Share, Stay};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

tokio::task_local! {
    /// Where a call that has moved began.
    static HOME: Handle;
}

/// Where tasks belong that whoever runs here starts. As `tokio::spawn`, it may be asked for in tasks only.
pub(crate) fn home() -> Handle {
    HOME.try_with(Handle::clone).unwrap_or_else(|_| Handle::current())
}

/// Threads for long calls, of two classes.
#[derive(Default)]
pub(crate) struct Heavy {
    yielding: Threads,
    ordinary: Threads,
    share: Arc<Share>,
}

/// How threads stand towards all others of the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// All others come first.
    Yielding,
    /// As all others.
    Ordinary,
}

/// Threads of one class, started by the first call that needs them.
#[derive(Default)]
struct Threads(OnceLock<Option<Runtime>>);

impl Heavy {
    /// Runs `call`, here until `ticked` is set, and then on the threads.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
        ticked: Arc<AtomicBool>,
    ) -> Moving<'_, T> {
        Moving { heavy: self, ticked, place: Place::Here(call.boxed()) }
    }

    fn threads(&self, class: Class) -> &Threads {
        match class {
            Class::Yielding => &self.yielding,
            Class::Ordinary => &self.ordinary,
        }
    }
}

impl Threads {
    /// `None` where the threads cannot be started: calls then stay where they are.
    fn handle(&self, class: Class) -> Option<&Handle> {
        let runtime = self.0.get_or_init(|| {
            let mut threads = Builder::new_multi_thread();
            if class == Class::Yielding {
                threads.on_thread_start(yield_to_others);
            }
            threads
                .worker_threads(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
                .thread_name("perilune-heavy")
                .enable_all()
                .build()
                .inspect_err(|error| tracing::warn!(%error, "no threads for long calls"))
                .ok()
        });
        runtime.as_ref().map(Runtime::handle)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // The last owner may be a task, which must not wait for threads.
        if let Some(Some(runtime)) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Any thread that wakes up takes the core at once; an equal share of an otherwise busy machine is not what long calls need, since
/// whoever keeps it busy runs for microseconds.
#[cfg(target_os = "linux")]
fn yield_to_others() {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the pointer is to a structure that lives until the call returns; 0 names the calling thread.
    let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
    if done != 0 {
        tracing::debug!("long calls run with the priority of all others");
    }
}

#[cfg(not(target_os = "linux"))]
fn yield_to_others() {}

/// A call that may move. Dropping it ends the call.
pub(crate) struct Moving<'a, T> {
    heavy: &'a Heavy,
    ticked: Arc<AtomicBool>,
    place: Place<T>,
}

enum Place<T> {
    Here(BoxFuture<'static, T>),
    There(JoinHandle<Return<T>>),
    Ended,
}

/// How a call leaves the threads.
enum Return<T> {
    Done(T),
    /// It waits, and nobody was told yet whom to wake.
    Waits(BoxFuture<'static, T>),
    /// It belongs on threads of another class.
    Moves(BoxFuture<'static, T>),
}

/// Runs a call on threads of a class for as long as it computes and belongs there.
async fn compute<T>(
    mut call: BoxFuture<'static, T>,
    ticked: Arc<AtomicBool>,
    share: Arc<Share>,
    class: Class,
) -> Return<T> {
    let (mut stay, mut belongs_here) = (Stay::begin(), true);
    let done = poll_fn(|context| {
        belongs_here = share.class() == class;
        if !belongs_here {
            return Poll::Ready(None);
        }
        ticked.store(false, Ordering::Relaxed);
        let turn = Instant::now();
        match call.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            // It gave way at a tick.
            Poll::Pending if ticked.load(Ordering::Relaxed) => {
                if class == Class::Yielding {
                    stay.turn_over(turn.elapsed(), &share);
                }
                Poll::Pending
            }
            Poll::Pending => Poll::Ready(None),
        }
    });
    match done.await {
        Some(result) => Return::Done(result),
        None if belongs_here => Return::Waits(call),
        None => Return::Moves(call),
    }
}

impl<T: Send + 'static> Moving<'_, T> {
    /// Goes on on the threads where calls belong now, or stays here where there are none.
    fn move_away(&self, call: BoxFuture<'static, T>) -> Place<T> {
        let class = self.heavy.share.class();
        match self.heavy.threads(class).handle(class) {
            None => Place::Here(call),
            Some(threads) => {
                let computing = compute(call, self.ticked.clone(), self.heavy.share.clone(), class);
                Place::There(threads.spawn(HOME.scope(home(), computing)))
            }
        }
    }
}

impl<T: Send + 'static> Future for Moving<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        loop {
            match std::mem::replace(&mut self.place, Place::Ended) {
                Place::Here(mut call) => {
                    self.ticked.store(false, Ordering::Relaxed);
                    if let Poll::Ready(result) = call.as_mut().poll(context) {
                        return Poll::Ready(result);
                    }
                    self.place = match self.ticked.load(Ordering::Relaxed) {
                        true => self.move_away(call),
                        false => Place::Here(call),
                    };
                    if let Place::Here(_) = self.place {
                        return Poll::Pending;
                    }
                }
                Place::There(mut task) => match task.poll_unpin(context) {
                    Poll::Pending => {
                        self.place = Place::There(task);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Return::Done(result))) => return Poll::Ready(result),
                    Poll::Ready(Ok(Return::Waits(call))) => self.place = Place::Here(call),
                    Poll::Ready(Ok(Return::Moves(call))) => self.place = self.move_away(call),
                    Poll::Ready(Err(error)) if error.is_panic() => {
                        std::panic::resume_unwind(error.into_panic())
                    }
                    // Only a host that is being dropped ends the threads, and nobody waits for its calls.
                    Poll::Ready(Err(_)) => return Poll::Pending,
                },
                Place::Ended => return Poll::Pending,
            }
        }
    }
}

impl<T> Drop for Moving<'_, T> {
    fn drop(&mut self) {
        if let Place::There(task) = &self.place {
            task.abort();
        }
    }
}
