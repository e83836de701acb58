//! A store, a clock, programs and activities: what survives a host.

use crate::script::{End, Flow, Programs};
use futures_util::future::BoxFuture;
use perilune_durable::{Clock, Durable, Hold, Settings, SimulatedClock};
use perilune_value::{Failure, Value};
use perilune_workflow::{
    Activities, ActivityContext, ActivityTask, Backend, EventKind, Outcome, QueryRequest, Signal,
    StartOptions, Started, Target, UpdateRequest, WorkflowError,
};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Work =
    Arc<dyn Fn(ActivityTask, ActivityContext) -> BoxFuture<'static, Result<Value, Failure>> + Send + Sync>;

/// The activities that a host knows.
#[derive(Clone, Default)]
pub(crate) struct Works(Arc<Mutex<BTreeMap<String, Work>>>);

impl Works {
    pub(crate) fn put<F: Future<Output = Result<Value, Failure>> + Send + 'static>(
        &self,
        name: &str,
        work: impl Fn(ActivityTask, ActivityContext) -> F + Send + Sync + 'static,
    ) {
        let work: Work = Arc::new(move |task, context| Box::pin(work(task, context)));
        self.0.lock().unwrap().insert(name.to_owned(), work);
    }
}

impl Activities for Works {
    fn execute(
        &self,
        task: ActivityTask,
        context: ActivityContext,
    ) -> BoxFuture<'static, Result<Value, Failure>> {
        let work = self.0.lock().unwrap().get(&task.activity_type).cloned();
        match work {
            Some(work) => work(task, context),
            None => {
                Box::pin(
                    async move { Err(Failure::not_found(format!("no activity `{}`", task.activity_type))) },
                )
            }
        }
    }
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: SimulatedClock,
    pub(crate) programs: Programs,
    pub(crate) works: Works,
}

impl World {
    /// With the activity `echo`, which gives back its first argument.
    pub(crate) fn new() -> Self {
        let works = Works::default();
        works.put("echo", |task, _| async move { Ok(task.args.first().cloned().unwrap_or_default()) });
        World {
            folder: tempfile::tempdir().unwrap(),
            clock: SimulatedClock::default(),
            programs: Programs::default(),
            works,
        }
    }

    pub(crate) fn with<F: Future<Output = Result<Value, End>> + Send + 'static>(
        program: impl Fn(Flow) -> F + Send + Sync + 'static,
    ) -> Self {
        let world = World::new();
        world.programs.put("main", program);
        world
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            clock: Arc::new(self.clock.clone()),
            ..Settings::new(self.folder.path().join("workflows.db"))
        }
    }

    pub(crate) async fn host(&self) -> Host {
        self.host_with(self.settings()).await
    }

    pub(crate) async fn host_with(&self, settings: Settings) -> Host {
        self.try_host(settings).await.unwrap()
    }

    pub(crate) async fn try_host(&self, settings: Settings) -> Result<Host, WorkflowError> {
        // Time waits until the test has said what it wants.
        let hold = self.clock.hold();
        let durable =
            Durable::open(settings, Arc::new(self.programs.clone()), Arc::new(self.works.clone())).await?;
        Ok(Host { durable, clock: self.clock.clone(), hold: Mutex::new(Some(hold)) })
    }
}

/// A host under test. Time stands still until somebody waits for a result.
pub(crate) struct Host {
    durable: Durable,
    clock: SimulatedClock,
    hold: Mutex<Option<Hold>>,
}

impl Deref for Host {
    type Target = Durable;

    fn deref(&self) -> &Durable {
        &self.durable
    }
}

impl Host {
    pub(crate) async fn begin(&self, id: &str, args: Vec<Value>) -> Started {
        self.try_begin(StartOptions { id: Some(id.to_owned()), ..StartOptions::default() }, args)
            .await
            .unwrap()
    }

    pub(crate) async fn try_begin(
        &self,
        options: StartOptions,
        args: Vec<Value>,
    ) -> Result<Started, WorkflowError> {
        self.durable.start("main", args, options).await
    }

    /// Lets time go while something is waited for.
    pub(crate) async fn run<T>(&self, wait: impl Future<Output = T>) -> T {
        drop(self.hold.lock().unwrap().take());
        let Ok(result) = tokio::time::timeout(Duration::from_secs(10), wait).await else {
            let runs = self.durable.list(Default::default()).await.unwrap().runs;
            let mut state = String::new();
            for run in &runs {
                let target =
                    Target { workflow_id: run.workflow_id.clone(), run_id: Some(run.run_id.clone()) };
                let description = self.durable.describe(target.clone()).await;
                state += &format!("{description:#?}\n{:?}\n", self.durable.history(target).await);
            }
            panic!("nothing comes of it; the clock: {:?}; the runs: {state}", self.clock);
        };
        *self.hold.lock().unwrap() = Some(self.clock.hold());
        result
    }

    pub(crate) async fn end(&self, id: &str) -> Outcome {
        self.run(self.durable.result(Target::from(id))).await.unwrap()
    }

    /// Lets time go on for so long.
    pub(crate) async fn pass(&self, time: Duration) {
        let until = self.clock.now().after(time);
        let clock = self.clock.clone();
        let hold = self.run(async move { clock.wait_until(until).await }).await;
        drop(hold);
    }

    pub(crate) async fn send(&self, id: &str, name: &str, args: Vec<Value>) {
        let signal = Signal { name: name.to_owned(), args, ..Signal::default() };
        self.durable.signal(Target::from(id), signal).await.unwrap();
    }

    pub(crate) async fn ask(&self, id: &str, name: &str) -> Result<Value, WorkflowError> {
        let query = QueryRequest { name: name.to_owned(), args: vec![] };
        self.run(self.durable.query(Target::from(id), query)).await
    }

    pub(crate) async fn invoke(
        &self,
        id: &str,
        update: &str,
        name: &str,
        arg: i64,
    ) -> Result<Value, WorkflowError> {
        let update = UpdateRequest {
            id: Some(update.to_owned()),
            name: name.to_owned(),
            args: vec![Value::Integer(arg)],
            ..UpdateRequest::default()
        };
        self.run(self.durable.update(Target::from(id), update)).await
    }

    /// The names of a run's events.
    pub(crate) async fn names(&self, id: &str) -> Vec<&'static str> {
        let events = self.durable.history(Target::from(id)).await.unwrap();
        events.iter().map(|event| event.kind.name()).collect()
    }

    pub(crate) async fn events(&self, id: &str) -> Vec<EventKind> {
        let events = self.durable.history(Target::from(id)).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    pub(crate) async fn stop(self) {
        // Time stands still meanwhile, so that nothing ends by itself that the host should take along.
        self.durable.shutdown(Duration::ZERO).await;
    }
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn completed(value: impl Into<Value>) -> Outcome {
    Outcome::Completed(value.into())
}
