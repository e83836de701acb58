//! A host of workflows: a service that runs their code, over a place that keeps their histories.

use super::activities::FromWorkflows;
use super::kinds::Home;
use super::machines::FromEntries;
use crate::runtime::{Inner, Runtime};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_resource::{Opened, Opening, Service};
use perilune_value::{Failure, Kind};
use perilune_workflow::{Activities, Backend, Machines};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Where histories are kept.
pub(super) trait Place: Send + Sync {
    /// Begins to run workflows.
    fn open(
        &self,
        machines: Arc<dyn Machines>,
        activities: Arc<dyn Activities>,
    ) -> BoxFuture<'_, Result<Arc<dyn Backend>, Failure>>;

    /// What can be talked to while no workflow is run here.
    fn outside(&self) -> Option<Arc<dyn Backend>> {
        None
    }

    /// The workflows to look at, while nobody runs them.
    ///
    /// # Errors
    ///
    /// Where there are none, or they cannot be read.
    fn look(&self) -> Result<Arc<dyn Backend>, Failure>;

    /// What a place that many hosts share knows this one by.
    fn address(&self) -> Address {
        Address::default()
    }

    /// For people.
    fn describe(&self) -> String;

    /// How long activities may go on when the host stops. What does not end by then is tried again after the next start.
    fn grace(&self) -> Duration;
}

/// A host among many.
#[derive(Clone, Debug, Default)]
pub(super) struct Address {
    pub(super) namespace: Option<String>,
    /// The queue that this host's tasks are in.
    pub(super) queue: Option<String>,
}

/// Workflows on one host.
pub(crate) struct Workflows {
    pub(super) whereabouts: Whereabouts,
    place: Box<dyn Place>,
    /// Set while the service runs.
    backend: Mutex<Option<Arc<dyn Backend>>>,
}

/// In place of the id of a host, for code that belongs to none. No entry has it.
const NOWHERE: &str = "replay";

/// Which host code runs on.
#[derive(Clone)]
pub(super) struct Whereabouts {
    /// The id of the host's entry.
    pub(super) host: Arc<str>,
    pub(super) address: Arc<Address>,
    pub(super) home: Weak<Inner>,
}

impl Whereabouts {
    /// Whether others than this host put tasks into its queue.
    pub(super) fn is_shared(&self) -> bool {
        self.address.queue.is_some()
    }
}

impl Whereabouts {
    /// Where code runs that belongs to no host.
    pub(super) fn nowhere(runtime: &Runtime) -> Self {
        Whereabouts { host: NOWHERE.into(), address: Arc::default(), home: Arc::downgrade(&runtime.inner) }
    }

    pub(super) fn is_nowhere(&self) -> bool {
        *self.host == *NOWHERE
    }
}

impl Workflows {
    pub(super) fn open(opening: &Opening<'_>, place: impl Place + 'static) -> Opened {
        let whereabouts = Whereabouts {
            host: opening.id().to_string().into(),
            address: Arc::new(place.address()),
            home: opening.shared().get::<Home>().get(),
        };
        let place = Box::new(place);
        Opened::service(Arc::new(Workflows { whereabouts, place, backend: Mutex::default() }))
    }

    /// The host's id.
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.whereabouts.host
    }

    /// The queue that work for this host is put into, where others put work there too.
    pub(super) fn queue(&self) -> Option<&str> {
        self.whereabouts.address.queue.as_deref()
    }

    /// What keeps the workflows.
    ///
    /// # Errors
    ///
    /// `Unavailable` while the service does not run.
    pub(crate) fn backend(&self) -> Result<Arc<dyn Backend>, Failure> {
        let backend = self.backend.lock().unwrap_or_else(PoisonError::into_inner).clone();
        backend.or_else(|| self.place.outside()).ok_or_else(|| {
            let id = self.id();
            let message =
                format!("{id} does not run: start it, or give it `lifecycle: {{auto_start: true}}`");
            Failure::new(Kind::Unavailable, message).with_retryable(true)
        })
    }

    pub(super) fn look(&self) -> Result<Arc<dyn Backend>, Failure> {
        self.place.look().map_err(|failure| self.named(failure))
    }

    /// A failure that says whose it is.
    fn named(&self, failure: Failure) -> Failure {
        Failure { message: format!("{}: {}", self.id(), failure.message), ..failure }
    }

    async fn begin(&self) -> Result<(), Failure> {
        let machines = Arc::new(FromEntries { at: self.whereabouts.clone() });
        let activities = Arc::new(FromWorkflows { at: self.whereabouts.clone() });
        let backend = self.place.open(machines, activities).await;
        let backend = backend.map_err(|failure| self.named(failure))?;
        *self.backend.lock().unwrap_or_else(PoisonError::into_inner) = Some(backend);
        Ok(())
    }

    /// This host again, for futures that outlive the borrow.
    fn share(&self) -> Result<Arc<Workflows>, Failure> {
        let gone = || Failure::new(Kind::Unavailable, "the host is shutting down");
        self.whereabouts.home.upgrade().ok_or_else(gone)?.modules.resources.get(self.id())
    }
}

/// The service, as the supervisor drives it: its futures outlive the borrow.
impl Service for Workflows {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let this = self.share();
        async move { this?.begin().await }.boxed()
    }

    fn address(&self) -> Option<String> {
        Some(self.place.describe())
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        let backend = self.backend.lock().unwrap_or_else(PoisonError::into_inner).take();
        let grace = self.place.grace();
        async move {
            if let Some(backend) = backend {
                backend.shutdown(grace).await;
            }
        }
        .boxed()
    }
}
