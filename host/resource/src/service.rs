//! Services: things that run by themselves once they are started.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_value::Failure;

/// How a service ended that nobody asked to.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It has done its work.
    Exited,
    /// It cannot go on.
    Failed(Failure),
}

/// A live thing that runs by itself.
pub trait Service: Send + Sync {
    /// Begins to run. Returns when it is ready, with the reason when it cannot be. [`Service::stop`] follows when it is not
    /// ready in time, or panics. It is called again after the service has ended in whichever way.
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>>;

    /// Waits for its end: of what the last [`Service::start`] began, without being asked to. Most services never end by
    /// themselves.
    fn ended(&self) -> BoxFuture<'static, Ended> {
        futures_util::future::pending().boxed()
    }

    /// Where it can be reached once it has started, such as `http://127.0.0.1:8080`.
    fn address(&self) -> Option<String> {
        None
    }

    /// Ends: takes nothing new, lets what runs finish. The caller drops the future when it has waited long enough, and with
    /// that what still runs must end too.
    fn stop(&self) -> BoxFuture<'static, ()>;

    /// Ends at once what [`Service::stop`] had no time for, where dropping that is not enough. Returns when it has ended.
    fn terminate(&self) -> BoxFuture<'static, ()> {
        futures_util::future::ready(()).boxed()
    }
}
