//! A supply whose workers are numbered, and calls that take simulated time.

use perilune_pool::{Janitor, Kind, Pool, Settings, Supply};
use perilune_value::Failure;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const S: Duration = Duration::from_secs(1);

/// What a [`Workshop`] does when it is asked to.
#[derive(Clone, Default)]
pub(crate) struct Manners {
    pub(crate) creating: Duration,
    pub(crate) cleaning: Duration,
    pub(crate) fails: Option<Failure>,
    pub(crate) gives_up: bool,
    pub(crate) panics: bool,
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) made: AtomicU32,
    pub(crate) live: AtomicU32,
    pub(crate) most: AtomicU32,
    pub(crate) cleaned: AtomicU32,
    manners: Mutex<Manners>,
}

impl Books {
    pub(crate) fn set(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.manners.lock().unwrap());
    }

    fn manners(&self) -> Manners {
        self.manners.lock().unwrap().clone()
    }

    pub(crate) fn live(&self) -> u32 {
        self.live.load(SeqCst)
    }

    pub(crate) fn made(&self) -> u32 {
        self.made.load(SeqCst)
    }

    pub(crate) fn cleaned(&self) -> u32 {
        self.cleaned.load(SeqCst)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Workshop(pub Arc<Books>);

pub(crate) struct Worker {
    pub(crate) id: u32,
    /// What calls left behind.
    pub(crate) marks: u32,
    books: Arc<Books>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.books.live.fetch_sub(1, SeqCst);
    }
}

impl Supply for Workshop {
    type Worker = Worker;

    async fn create(&self) -> Result<Worker, Failure> {
        let manners = self.0.manners();
        if !manners.creating.is_zero() {
            sleep(manners.creating).await;
        }
        assert!(!manners.panics, "a supply that panics");
        if let Some(failure) = manners.fails {
            return Err(failure);
        }
        let books = self.0.clone();
        let id = books.made.fetch_add(1, SeqCst) + 1;
        let live = books.live.fetch_add(1, SeqCst) + 1;
        books.most.fetch_max(live, SeqCst);
        Ok(Worker { id, marks: 0, books })
    }

    async fn reset(&self, mut used: Worker) -> Option<Worker> {
        let manners = self.0.manners();
        if !manners.cleaning.is_zero() {
            sleep(manners.cleaning).await;
        }
        assert!(!manners.panics, "a supply that panics");
        self.0.cleaned.fetch_add(1, SeqCst);
        used.marks = 0;
        (!manners.gives_up).then_some(used)
    }
}

/// A pool of its own janitor and supply.
pub(crate) struct Rig {
    pub(crate) pool: Arc<Pool<Workshop>>,
    pub(crate) books: Arc<Books>,
}

pub(crate) fn rig(kind: Kind, change: impl FnOnce(&mut Settings)) -> Rig {
    let mut settings = Settings::new("app:handler", kind);
    change(&mut settings);
    let workshop = Workshop::default();
    let books = workshop.0.clone();
    Rig { pool: Pool::new(workshop, settings, &Janitor::new()), books }
}

/// What a call met: the worker, what it found on it, and how long it waited.
#[derive(Debug, PartialEq)]
pub(crate) struct Met {
    pub(crate) id: u32,
    pub(crate) marks: u32,
    pub(crate) wait: Duration,
}

impl Rig {
    /// Calls, works for a while, and finishes.
    pub(crate) async fn call(&self, service: Duration) -> Result<Met, Failure> {
        call(self.pool.clone(), service, None).await
    }

    /// The same on a task of its own, which has got as far as it can when this returns.
    pub(crate) async fn spawn(&self, service: Duration) -> JoinHandle<Result<Met, Failure>> {
        let task = tokio::spawn(call(self.pool.clone(), service, None));
        turn().await;
        task
    }

    pub(crate) async fn spawn_many(
        &self,
        count: usize,
        service: Duration,
    ) -> Vec<JoinHandle<Result<Met, Failure>>> {
        let mut tasks = Vec::new();
        for _ in 0..count {
            tasks.push(self.spawn(service).await);
        }
        tasks
    }
}

pub(crate) async fn call(
    pool: Arc<Pool<Workshop>>,
    service: Duration,
    deadline: Option<Instant>,
) -> Result<Met, Failure> {
    let begun = Instant::now();
    let mut lease = pool.lease(deadline).await?;
    let met = Met { id: lease.id, marks: lease.marks, wait: begun.elapsed() };
    lease.marks += 1;
    sleep(service).await;
    lease.finish();
    Ok(met)
}

/// Lets every task run as far as it can without time passing.
pub(crate) async fn turn() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
