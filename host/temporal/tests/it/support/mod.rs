//! What the tests share.

pub(crate) mod script;
pub(crate) mod server;

use perilune_temporal::{TemporalBackend, Worker, WorkerSettings};
use perilune_value::Value;
use perilune_workflow::{Backend, Outcome, StartOptions, Target};
use script::{Deeds, Scripts};
use server::Server;
use std::sync::Arc;
use std::time::Duration;

/// The queue of all tests: each has a server of its own.
pub(crate) const QUEUE: &str = "tests";
/// Nothing that is waited for takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server, a worker on it, and a backend.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) backend: TemporalBackend,
    pub(crate) worker: Worker,
    pub(crate) scripts: Scripts,
}

impl World {
    /// None where there is no server.
    pub(crate) async fn new(scripts: Scripts, deeds: Deeds) -> Option<Self> {
        Self::with(Server::start().await?, WorkerSettings::new(QUEUE), scripts, deeds).await
    }

    pub(crate) async fn with(
        server: Server,
        settings: WorkerSettings,
        scripts: Scripts,
        deeds: Deeds,
    ) -> Option<Self> {
        let worker = worker(&server, &settings, &scripts, &deeds).await;
        let backend = TemporalBackend::new(server.client(), QUEUE);
        Some(World { server, backend, worker, scripts })
    }

    pub(crate) async fn start(&self, workflow_type: &str, id: &str, args: Vec<Value>) -> Target {
        let options = StartOptions { id: Some(id.to_owned()), ..StartOptions::default() };
        let started = self.backend.start(workflow_type, args, options).await.unwrap();
        assert!(started.is_new);
        Target { workflow_id: started.workflow_id, run_id: Some(started.run_id) }
    }

    pub(crate) async fn result(&self, id: &str) -> Outcome {
        within(self.backend.result(Target::from(id))).await.unwrap()
    }

    pub(crate) async fn end(self) {
        within(self.worker.shutdown(Duration::from_secs(5))).await;
    }
}

pub(crate) async fn worker(
    server: &Server,
    settings: &WorkerSettings,
    scripts: &Scripts,
    deeds: &Deeds,
) -> Worker {
    let (machines, activities) = (Arc::new(scripts.clone()), Arc::new(deeds.clone()));
    within(Worker::start(&server.client(), settings, machines, activities)).await.unwrap()
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes too long")
}

/// Asks again until the answer is one that is waited for.
pub(crate) async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
}

pub(crate) fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().collect()
}
