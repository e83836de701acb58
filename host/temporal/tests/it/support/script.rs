//! Machines that are Rust closures, and activities that are.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_value::{Failure, Value};
use perilune_workflow::{
    Activation, Activities, ActivityContext, ActivityOptions, ActivityTask, Answer, Code, Command,
    CommandKind, Job, Machine, Machines, ScheduleActivity, TaskFailure,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a machine does with one job.
pub(crate) type Step = Box<dyn FnMut(&Job, &Activation, &mut Vec<CommandKind>) + Send>;
type Make = Arc<dyn Fn() -> Step + Send + Sync>;

/// Workflows by their type.
#[derive(Clone, Default)]
pub(crate) struct Scripts {
    makes: Arc<Mutex<HashMap<String, Make>>>,
    /// Machines made so far.
    pub(crate) made: Arc<AtomicUsize>,
}

impl Scripts {
    pub(crate) fn with<S>(self, workflow_type: &str, make: impl Fn() -> S + Send + Sync + 'static) -> Self
    where
        S: FnMut(&Job, &Activation, &mut Vec<CommandKind>) + Send + 'static,
    {
        self.set(workflow_type, make);
        self
    }

    /// Changes the code of a workflow.
    pub(crate) fn set<S>(&self, workflow_type: &str, make: impl Fn() -> S + Send + Sync + 'static)
    where
        S: FnMut(&Job, &Activation, &mut Vec<CommandKind>) + Send + 'static,
    {
        let make: Make = Arc::new(move || Box::new(make()) as Step);
        self.makes.lock().unwrap().insert(workflow_type.to_owned(), make);
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

impl Machines for Scripts {
    fn knows(&self, workflow_type: &str) -> bool {
        self.makes.lock().unwrap().contains_key(workflow_type)
    }

    fn create<'a>(
        &'a self,
        workflow_type: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn Machine>, TaskFailure>> {
        async move {
            let make = self.makes.lock().unwrap().get(workflow_type).cloned();
            let make = make.ok_or_else(|| {
                TaskFailure::coded(Code::UnknownType, format!("no workflow is named `{workflow_type}`"))
            })?;
            self.made.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Script(make())) as Box<dyn Machine>)
        }
        .boxed()
    }
}

struct Script(Step);

impl Machine for Script {
    fn activate(&mut self, activation: Activation) -> BoxFuture<'_, Result<Vec<Command>, TaskFailure>> {
        async move {
            let mut commands = Vec::new();
            for job in &activation.jobs {
                (self.0)(job, &activation, &mut commands);
            }
            Ok(commands
                .into_iter()
                .map(|kind| Command { position: Some("app:test:7".to_owned()), kind })
                .collect())
        }
        .boxed()
    }
}

type Deed =
    Arc<dyn Fn(ActivityTask, ActivityContext) -> BoxFuture<'static, Result<Value, Failure>> + Send + Sync>;

/// Activities by their type.
#[derive(Clone, Default)]
pub(crate) struct Deeds(HashMap<String, Deed>);

impl Deeds {
    pub(crate) fn with<F>(
        mut self,
        name: &str,
        deed: impl Fn(ActivityTask, ActivityContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        self.0.insert(name.to_owned(), Arc::new(move |task, context| deed(task, context).boxed()));
        self
    }
}

impl Activities for Deeds {
    fn execute(
        &self,
        task: ActivityTask,
        context: ActivityContext,
    ) -> BoxFuture<'static, Result<Value, Failure>> {
        match self.0.get(&task.activity_type) {
            Some(deed) => deed(task, context),
            None => async { Err(Failure::not_found("no such activity")) }.boxed(),
        }
    }
}

pub(crate) fn activity(seq: u32, name: &str, args: Vec<Value>, options: ActivityOptions) -> CommandKind {
    CommandKind::ScheduleActivity(Box::new(ScheduleActivity {
        seq,
        activity_type: name.to_owned(),
        args,
        headers: Default::default(),
        activity_id: None,
        options,
    }))
}

pub(crate) fn answer(id: &str, value: impl Into<Value>) -> CommandKind {
    CommandKind::AnswerQuery(Answer { id: id.to_owned(), outcome: Ok(value.into()) })
}
