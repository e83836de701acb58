//! Kind `service.group`: services that start and stop together, and start anew as its strategy says (`strategy.rs`).
//!
//! | phase | event | then |
//! |---|---|---|
//! | starting | all members run | running |
//! | starting | a member cannot start | those before it stop; the group could not start |
//! | running | a member ends, and its policy asks for no restart | running |
//! | running | a member ends, and its policy asks for one | restarting |
//! | restarting | those affected run | running |
//! | restarting | one of them cannot start | restarting, from that one |
//! | restarting | that was one restart too many, or no start can help | all stop; the group has failed |
//! | any | asked to stop | all stop, the last one first |
//!
//! The delays of members do not count in a group: it starts them at once, and its own failure is what backs off.

use super::crew::Crew;
use super::strategy::{Intensity, Strategy};
use super::unit::Unit;
use crate::{Ended, LIFECYCLE, Opened, Opening, ResourceKind, Service};
use futures_util::future::{AbortHandle, BoxFuture, abortable, join_all, pending};
use perilune_registry::{Code, Entry, Field, Fields, KindSpec, Problem, Type};
use perilune_value::{Failure, Kind, Value};
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The kind.
pub(crate) const GROUP: &str = "service.group";

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: GROUP,
        doc: "Services that start together, in their order, and stop together; when one fails, a strategy says which others start anew \
              with it. Of the lifecycle of a member, `restart.policy`, the time limits and `security` count; the rest is the group's",
        fields: Fields::Known(&[
            Field {
                name: "services",
                ty: Type::Entries(&[]),
                required: true,
                doc: "its members, in the order in which they start: services, also groups; each is in one group at most",
                ..FIELD
            },
            Field {
                name: "strategy",
                ty: Type::OneOf(&["one_for_one", "one_for_all", "rest_for_one"]),
                default: "one_for_one",
                doc: "who starts anew with a member: nobody else, all, or those that started after it",
                ..FIELD
            },
            Field {
                name: "restart",
                ty: Type::Object(&[
                    Field {
                        name: "max_restarts",
                        ty: Type::Integer { min: 0, max: 1_000_000 },
                        default: "3",
                        doc: "with more restarts than so many, the group fails and its own `lifecycle.restart` counts",
                        ..FIELD
                    },
                    Field {
                        name: "within",
                        ty: Type::Duration { max: DAY },
                        default: "5s",
                        doc: "the time in which they are counted",
                        ..FIELD
                    },
                ]),
                doc: "how many restarts of members are too many",
                ..FIELD
            },
            LIFECYCLE,
        ]),
        check: Some(check),
        ..KindSpec::EMPTY
    },
    open,
};

fn check(entry: &Entry) -> Vec<Problem> {
    match entry.data().get("services") {
        Some(Value::Array(services)) if services.is_empty() => {
            let problem = Problem::in_field(entry, "services", Code::BAD_VALUE, "the list is empty");
            vec![problem.help("name the services that start together")]
        }
        _ => Vec::new(),
    }
}

#[derive(Deserialize)]
struct Config {
    services: Vec<String>,
    #[serde(default)]
    strategy: Strategy,
    #[serde(default)]
    restart: Intensity,
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let members: Result<Vec<Unit>, Failure> = config.services.iter().map(|id| opening.unit(id)).collect();
    Ok(Opened::service(Arc::new(Group {
        id: opening.id().to_string(),
        members: members?.into(),
        strategy: config.strategy,
        intensity: config.restart,
        running: Arc::default(),
    })))
}

struct Group {
    id: String,
    members: Arc<[Unit]>,
    strategy: Strategy,
    intensity: Intensity,
    running: Arc<Mutex<Option<Running>>>,
}

/// The task that keeps the members. Dropping it ends the task, and nothing else.
#[derive(Clone)]
struct Running {
    stop: watch::Sender<bool>,
    phase: watch::Receiver<Phase>,
    abort: AbortHandle,
}

#[derive(Clone)]
enum Phase {
    Starting,
    Running,
    /// Also where it was asked to.
    Ended(Result<(), Failure>),
}

impl Group {
    fn running(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Service for Group {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let crew = Crew::new(self.id.clone(), self.members.clone(), self.strategy, self.intensity.clone());
        let place = self.running.clone();
        Box::pin(async move {
            let (stop, asked) = watch::channel(false);
            let (told, mut phase) = watch::channel(Phase::Starting);
            let (task, abort) = abortable(run(crew, asked, told));
            tokio::spawn(task);
            let running = Running { stop, phase: phase.clone(), abort };
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
            match phase.wait_for(|phase| !matches!(phase, Phase::Starting)).await.as_deref() {
                Ok(Phase::Ended(Err(failure))) => Err(failure.clone()),
                Ok(Phase::Running) => Ok(()),
                _ => Err(Failure::new(Kind::Canceled, "it was stopped while it started")),
            }
        })
    }

    fn ended(&self) -> BoxFuture<'static, Ended> {
        let running = self.running();
        Box::pin(async move {
            let Some(mut running) = running else { return pending().await };
            let ended = running.phase.wait_for(|phase| matches!(phase, Phase::Ended(_))).await;
            match ended.as_deref() {
                Ok(Phase::Ended(Err(failure))) => Ended::Failed(failure.clone()),
                Ok(_) => Ended::Exited,
                Err(_) => Ended::Failed(Failure::internal("the host panicked while it kept this group")),
            }
        })
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        let running = self.running();
        Box::pin(async move {
            let Some(mut running) = running else { return };
            running.stop.send_replace(true);
            // Or it has panicked: then nothing is left to wait for.
            let _ = running.phase.wait_for(|phase| matches!(phase, Phase::Ended(_))).await;
        })
    }

    fn terminate(&self) -> BoxFuture<'static, ()> {
        let (running, members) = (self.running(), self.members.clone());
        Box::pin(async move {
            if let Some(running) = running {
                running.abort.abort();
            }
            join_all(members.iter().map(Unit::terminate)).await;
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(running) = self.running() {
            running.abort.abort();
        }
    }
}

async fn run(mut crew: Crew, mut asked: watch::Receiver<bool>, told: watch::Sender<Phase>) {
    let ended = tokio::select! {
        biased;
        // It ends with the group, which aborts this first.
        _ = asked.wait_for(|asked| *asked) => {
            crew.want(false);
            Ok(())
        }
        failure = keep(&mut crew, &told) => Err(failure),
    };
    crew.stop().await;
    told.send_replace(Phase::Ended(ended));
}

/// Keeps the members running; why that is not possible any more.
async fn keep(crew: &mut Crew, told: &watch::Sender<Phase>) -> Failure {
    if let Err(failure) = crew.start().await {
        return failure;
    }
    told.send_replace(Phase::Running);
    loop {
        if let Err(failure) = crew.mend().await {
            return failure;
        }
    }
}
