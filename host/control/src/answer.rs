//! From a line to its reply.

use crate::protocol::{Application, Listing, Order, Outcome, Refusal, Reply, VERSION, Versioned};
use crate::workflow::{self, About, Whose, lua, perform};
use perilune::{Failure, Kind, Runtime};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Who answers for an application.
pub(crate) struct Answerer {
    runtime: Runtime,
    directory: String,
    command: Option<String>,
    began: Instant,
}

impl Answerer {
    pub(crate) fn new(runtime: Runtime, directory: &Path, command: Option<&str>) -> Self {
        let directory = directory.to_string_lossy().into_owned();
        Answerer { runtime, directory, command: command.map(str::to_owned), began: Instant::now() }
    }

    /// The reply to a line, with its end. Apart from what runs entries: a list of a hundred thousand takes its time.
    pub(crate) async fn answer(self: Arc<Self>, line: Vec<u8>) -> Vec<u8> {
        let answered = tokio::task::spawn_blocking(move || self.reply(&line)).await;
        answered.unwrap_or_else(|_| refusal(Refusal::new(&Kind::Internal, "the host failed at this request")))
    }

    fn reply(&self, line: &[u8]) -> Vec<u8> {
        let runtime = &self.runtime;
        let order = match order(line) {
            Ok(order) => order,
            Err(reason) => return refusal(reason),
        };
        match order {
            Order::List => {
                outcome(Ok(Listing { application: self.application(), overview: runtime.overview() }))
            }
            Order::Inspect { pid } => outcome(runtime.inspect(&pid)),
            Order::Send { pid, topic, values } => {
                outcome(lua(&values).and_then(|values| runtime.send(&pid, &topic, &values)))
            }
            Order::Terminate { pid } => outcome(runtime.terminate(&pid)),
            Order::Cancel { pid, reason } => outcome(runtime.cancel(&pid, reason.as_deref())),
            Order::Workflow { about } => outcome(self.workflow(&about)),
        }
    }

    /// Waits on this thread, which is one of those that may.
    fn workflow(&self, about: &About) -> Result<serde_json::Value, Failure> {
        let answer = timeout(workflow::PATIENCE, perform(&self.runtime, about, Whose::Running));
        Handle::current().block_on(answer).unwrap_or_else(|_| {
            let message = format!("no answer within {:?}", workflow::PATIENCE);
            Err(Failure::new(Kind::Timeout, message))
        })
    }

    fn application(&self) -> Application {
        Application {
            directory: self.directory.clone(),
            command: self.command.clone(),
            system_pid: std::process::id(),
            uptime_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

fn order(line: &[u8]) -> Result<Order, Refusal> {
    let invalid =
        |error: serde_json::Error| Refusal::new(&Kind::Invalid, format!("this is no request: {error}"));
    let Versioned { version } = serde_json::from_slice(line).map_err(invalid)?;
    if version != VERSION {
        let message = format!("this application speaks version {VERSION}, not {version}");
        return Err(Refusal::new(&Kind::Invalid, message));
    }
    serde_json::from_slice(line).map_err(invalid)
}

fn outcome<T: Serialize>(result: Result<T, Failure>) -> Vec<u8> {
    match result {
        Ok(answer) => encode(Outcome::Ok(answer)),
        Err(failure) => refusal(failure.into()),
    }
}

/// The reply that something is not done.
pub(crate) fn refusal(reason: Refusal) -> Vec<u8> {
    encode::<()>(Outcome::Error(reason))
}

fn encode<T: Serialize>(outcome: Outcome<T>) -> Vec<u8> {
    // Replies are made of structs, texts and numbers, which all have a JSON form.
    let mut line = serde_json::to_vec(&Reply { version: VERSION, outcome }).unwrap_or_default();
    line.push(b'\n');
    line
}
