//! What operators ask about workflows, and the answers: of the application that runs, or of one that does not.

use perilune::workflow::{
    Backend, Code, Description, Event, Fields, Filter, Page, QueryRequest, Signal, StartOptions, Target,
    UpdateRequest, WorkflowError,
};
use perilune::{Failure, Kind, Runtime, Value, json};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Values as Lua sees them, by the rules of JSON everywhere else in the host.
pub(crate) fn lua(values: &[serde_json::Value]) -> Result<Vec<Value>, Failure> {
    values.iter().map(|value| json::decode(value.to_string().as_bytes())).collect()
}

/// How long an answer may take: updates and queries run the workflow's code.
#[cfg(unix)]
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A question or an order about workflows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The host's entry; all hosts without it, of which one has the workflow.
    pub host: Option<String>,
    /// What is wanted.
    pub action: Action,
}

/// What is wanted of workflows. Without a `run_id` it is the open run, or else the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Action {
    /// Runs: a list of [`OfHost`].
    List {
        /// Which ones.
        filter: Filter,
    },
    /// One run: [`Shown`].
    Show {
        /// Which one.
        target: Target,
    },
    /// One run as a file that can be replayed: a text.
    Export {
        /// Which one.
        target: Target,
    },
    /// A new run, on the host that its entry names: its pid as a text.
    Start {
        /// The workflow's entry.
        entry: String,
        /// The workflow's id; a new one without it.
        #[serde(default)]
        id: Option<String>,
        /// With what.
        #[serde(default)]
        values: Vec<serde_json::Value>,
    },
    /// A signal.
    Signal {
        /// For which one.
        target: Target,
        /// Its name.
        name: String,
        /// What it says.
        #[serde(default)]
        values: Vec<serde_json::Value>,
    },
    /// A query: its answer.
    Query {
        /// Of which one.
        target: Target,
        /// Its name.
        name: String,
        /// With what.
        #[serde(default)]
        values: Vec<serde_json::Value>,
    },
    /// An update: its result.
    Update {
        /// Of which one.
        target: Target,
        /// Its name.
        name: String,
        /// With what.
        #[serde(default)]
        values: Vec<serde_json::Value>,
    },
    /// The run is asked to cancel.
    Cancel {
        /// Which one.
        target: Target,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// The run is ended.
    Terminate {
        /// Which one.
        target: Target,
        /// Why.
        #[serde(default)]
        reason: String,
    },
}

/// Runs of one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfHost {
    /// The host's entry.
    pub host: String,
    /// The runs.
    #[serde(flatten)]
    pub page: Page,
    /// Why they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The host's entry.
    pub host: String,
    /// What is known of it.
    #[serde(flatten)]
    pub description: Description,
    /// All that happened.
    pub events: Vec<Event>,
}

/// Whose workflows are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those that this runtime runs.
    Running,
    /// Those of an application that does not run.
    AtRest,
}

impl Action {
    /// The run that it is about.
    fn target(&self) -> Option<&Target> {
        match self {
            Action::List { .. } | Action::Start { .. } => None,
            Action::Show { target }
            | Action::Export { target }
            | Action::Signal { target, .. }
            | Action::Query { target, .. }
            | Action::Update { target, .. }
            | Action::Cancel { target, .. }
            | Action::Terminate { target, .. } => Some(target),
        }
    }
}

/// Carries it out.
///
/// # Errors
///
/// What the backend says; `NotFound` where no host has the workflow, `Invalid` where several have one of this id.
pub async fn perform(runtime: &Runtime, about: &About, whose: Whose) -> Result<serde_json::Value, Failure> {
    if let Action::Start { entry, id, values } = &about.action {
        let options = StartOptions { id: id.clone(), ..StartOptions::default() };
        let (host, started) = runtime.start_workflow(entry, lua(values)?, options).await?;
        return answer(format!("{{{host}|{}}}", started.workflow_id));
    }
    let hosts = hosts(runtime, about.host.as_deref())?;
    let open = |host: &str| match whose {
        Whose::Running => runtime.workflows(host),
        Whose::AtRest => runtime.workflows_at_rest(host),
    };
    let Some(target) = about.action.target() else {
        let Action::List { filter } = &about.action else { return answer(()) };
        return answer(list(&hosts, open, filter).await);
    };
    let (host, backend) = place(&hosts, open, target).await?;
    act(&host, &*backend, about.action.clone()).await
}

fn hosts(runtime: &Runtime, asked: Option<&str>) -> Result<Vec<String>, Failure> {
    if let Some(host) = asked {
        return Ok(vec![host.to_owned()]);
    }
    let hosts: Vec<String> = runtime.workflow_hosts().iter().map(ToString::to_string).collect();
    if hosts.is_empty() {
        let message = "the application has no workflow.host and no temporal.worker";
        return Err(Failure::not_found(message));
    }
    Ok(hosts)
}

async fn list(
    hosts: &[String],
    open: impl Fn(&str) -> Result<Arc<dyn Backend>, Failure>,
    filter: &Filter,
) -> Vec<OfHost> {
    let mut lists = Vec::new();
    for host in hosts {
        let page = match open(host) {
            Ok(backend) => backend.list(filter.clone()).await.map_err(WorkflowError::into_failure),
            Err(failure) => Err(failure),
        };
        let (page, problem) = match page {
            Ok(page) => (page, None),
            Err(failure) => (Page::default(), Some(failure.message)),
        };
        lists.push(OfHost { host: host.clone(), page, problem });
    }
    lists
}

/// The one host that knows the workflow.
async fn place(
    hosts: &[String],
    open: impl Fn(&str) -> Result<Arc<dyn Backend>, Failure>,
    target: &Target,
) -> Result<(String, Arc<dyn Backend>), Failure> {
    if let [host] = hosts {
        return Ok((host.clone(), open(host)?));
    }
    let (mut found, mut problem) = (Vec::new(), None);
    for host in hosts {
        let backend = match open(host) {
            Ok(backend) => backend,
            Err(failure) => {
                problem = Some(failure);
                continue;
            }
        };
        match backend.describe(target.clone()).await {
            Ok(_) => found.push((host.clone(), backend)),
            Err(error) if error.code == Code::NotFound => {}
            Err(error) => problem = Some(error.into_failure()),
        }
    }
    let id = &target.workflow_id;
    match (found.len(), problem) {
        (1, _) => found.pop().ok_or_else(|| Failure::internal("one is one")),
        (0, Some(problem)) => Err(problem),
        (0, None) => {
            let message = format!("there is no workflow `{id}` on {}", hosts.join(", "));
            Err(Failure::not_found(message).with_detail("code", Code::NotFound.as_str()))
        }
        _ => {
            let hosts: Vec<_> = found.iter().map(|(host, _)| host.as_str()).collect();
            Err(Failure::invalid(format!(
                "several hosts have a workflow `{id}`: {}; name one with --host",
                hosts.join(", ")
            )))
        }
    }
}

async fn act(host: &str, backend: &dyn Backend, action: Action) -> Result<serde_json::Value, Failure> {
    let failed = WorkflowError::into_failure;
    match action {
        // It names a host by its entry.
        Action::Start { .. } => Err(Failure::internal("a start has no target")),
        Action::List { filter } => answer(backend.list(filter).await.map_err(failed)?),
        Action::Show { target } => {
            let description = backend.describe(target.clone()).await.map_err(failed)?;
            let events = backend.history(target).await.map_err(failed)?;
            answer(Shown { host: host.to_owned(), description, events })
        }
        Action::Export { target } => answer(backend.export(target).await.map_err(failed)?),
        Action::Signal { target, name, values } => {
            let signal = Signal { name, args: lua(&values)?, headers: Fields::new(), sender: None };
            backend.signal(target, signal).await.map_err(failed)?;
            answer(())
        }
        Action::Query { target, name, values } => {
            let query = QueryRequest { name, args: lua(&values)? };
            plain(&backend.query(target, query).await.map_err(failed)?)
        }
        Action::Update { target, name, values } => {
            let update = UpdateRequest { name, args: lua(&values)?, ..UpdateRequest::default() };
            plain(&backend.update(target, update).await.map_err(failed)?)
        }
        Action::Cancel { target, reason } => {
            backend.cancel(target, &reason).await.map_err(failed)?;
            answer(())
        }
        Action::Terminate { target, reason } => {
            backend.terminate(target, &reason).await.map_err(failed)?;
            answer(())
        }
    }
}

/// A value as JSON, by the rules of JSON everywhere else in the host.
fn plain(value: &Value) -> Result<serde_json::Value, Failure> {
    let text = json::encode(value)?;
    serde_json::from_str(&text).map_err(|error| Failure::new(Kind::Internal, error.to_string()))
}

fn answer<T: Serialize>(answer: T) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(answer).map_err(|error| Failure::new(Kind::Internal, error.to_string()))
}
