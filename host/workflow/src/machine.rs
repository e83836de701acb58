//! The code of workflows.

use crate::{Activation, Code, Command};
use futures_util::future::BoxFuture;
use perilune_value::Failure;

/// One run's code, between its activations.
///
/// Dropped when the run ends, when memory is short, and after a [`TaskFailure`]: another machine is then made and given the run's
/// whole history again.
pub trait Machine: Send {
    /// Takes in what happened and answers with what should happen next. Its answer depends on its activations only.
    ///
    /// # Errors
    ///
    /// A [`TaskFailure`] where the code could not run to its next rest. The run goes on: another machine tries again later. An
    /// error of the workflow itself is a command instead, [`CommandKind::Fail`](crate::CommandKind::Fail).
    fn activate(&mut self, activation: Activation) -> BoxFuture<'_, Result<Vec<Command>, TaskFailure>>;
}

/// Makes machines.
pub trait Machines: Send + Sync {
    /// Whether there is code of this name at the moment.
    fn knows(&self, workflow_type: &str) -> bool;

    /// A machine that has had no activation yet.
    ///
    /// # Errors
    ///
    /// A [`TaskFailure`] where there is no such code, or it cannot be loaded: the run waits, and tries again.
    fn create<'a>(
        &'a self,
        workflow_type: &'a str,
        run_id: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn Machine>, TaskFailure>>;
}

/// Why a machine could not run to its next rest: a trap, a limit, a defect of the host. Never the workflow's own error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("[{code}] {failure}")]
pub struct TaskFailure {
    /// What, for programs.
    pub code: Code,
    /// What, for people.
    pub failure: Failure,
}

impl TaskFailure {
    /// A failure with [`Code::TaskFailed`].
    pub fn new(failure: Failure) -> Self {
        TaskFailure { code: Code::TaskFailed, failure }
    }

    /// A failure with another code.
    pub fn coded(code: Code, message: impl Into<String>) -> Self {
        let failure = crate::WorkflowError::new(code, message).into_failure();
        TaskFailure { code, failure }
    }
}
