//! Calls that compute for longer than a tick go on apart from the others.
//!
//! A call begins on its caller's task. When its second tick passes, its future moves to threads of its own, as many as there are
//! cores, to which the system prefers all others: a call that spins then delays short ones by what a context switch costs,
//! instead of holding the thread that they need until the next tick. When it waits for something it comes back, since what it does
//! next may be short. What such a call starts, it starts where it began itself:
//! a process is not to live on the threads that come last because the one who spawned it computes.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
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

/// The threads, started by the first call that needs them.
#[derive(Default)]
pub(crate) struct Heavy {
    runtime: OnceLock<Option<Runtime>>,
}

impl Heavy {
    /// Runs `call`, here until `ticked` is set, and then on the threads.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
        ticked: Arc<AtomicBool>,
    ) -> Moving<'_, T> {
        Moving { heavy: self, ticked, place: Place::Here(call.boxed()) }
    }

    /// `None` where the threads cannot be started: calls then stay where they are.
    fn handle(&self) -> Option<&Handle> {
        let runtime = self.runtime.get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
                .thread_name("perilune-heavy")
                .on_thread_start(yield_to_others)
                .enable_all()
                .build()
                .inspect_err(|error| tracing::warn!(%error, "no threads for long calls"))
                .ok()
        });
        runtime.as_ref().map(Runtime::handle)
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        // The last owner may be a task, which must not wait for threads.
        if let Some(Some(runtime)) = self.runtime.take() {
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
}

/// Runs a call on these threads for as long as it computes.
async fn compute<T>(mut call: BoxFuture<'static, T>, ticked: Arc<AtomicBool>) -> Return<T> {
    let done = poll_fn(|context| {
        ticked.store(false, Ordering::Relaxed);
        match call.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            // It gave way at a tick.
            Poll::Pending if ticked.load(Ordering::Relaxed) => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
        }
    });
    match done.await {
        Some(result) => Return::Done(result),
        None => Return::Waits(call),
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
                    let heavy = if self.ticked.load(Ordering::Relaxed) { self.heavy.handle() } else { None };
                    let Some(handle) = heavy else {
                        self.place = Place::Here(call);
                        return Poll::Pending;
                    };
                    let computing = compute(call, self.ticked.clone());
                    self.place = Place::There(handle.spawn(HOME.scope(home(), computing)));
                }
                Place::There(mut task) => match task.poll_unpin(context) {
                    Poll::Pending => {
                        self.place = Place::There(task);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Return::Done(result))) => return Poll::Ready(result),
                    Poll::Ready(Ok(Return::Waits(call))) => self.place = Place::Here(call),
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
