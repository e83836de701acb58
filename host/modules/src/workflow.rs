//! Module `workflow`: a durable workflow about itself, and an activity about its own.

use crate::bindings::workflow::{Host, add_to_linker};
use crate::bindings::{Answer, answer};
use crate::{CallContext, durable};
use perilune_cell::{CellState, Class, Module};
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "workflow",
    summary: "Durable workflows: versions, queries, updates, attributes; heartbeats of activities.",
    classes: &[Class::Workflow],
    link: |linker| add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What a call that is an activity carries in [`CallContext::attachment`].
pub struct Activity(pub Box<dyn ActivityAccess>);

/// An activity about itself.
pub trait ActivityAccess: Send + Sync {
    /// A map that says which activity of which workflow it is.
    fn info(&self) -> Value;

    /// Says how far it is.
    ///
    /// # Errors
    ///
    /// `Canceled` when it should end.
    fn heartbeat(&self, details: Value) -> Result<(), Failure>;
}

fn activity(state: &CellState) -> wasmtime::Result<Option<Arc<Activity>>> {
    Ok(CallContext::of(state)?.attachment::<Activity>())
}

/// What a script gave as the reason of a failure.
fn failure(why: Value) -> Failure {
    match why {
        Value::Error(failure) => *failure,
        Value::String(text) => Failure::new(Kind::Internal, String::from_utf8_lossy(&text)),
        other => Failure::new(Kind::Internal, format!("failed with a {}", other.type_name())),
    }
}

fn value(bytes: &[u8]) -> Result<Value, Failure> {
    Value::from_msgpack(bytes).map_err(|error| Failure::invalid(error.to_string()))
}

fn outcome(bytes: &[u8], failed: bool) -> Result<Value, Failure> {
    let value = value(bytes)?;
    if failed { Err(failure(value)) } else { Ok(value) }
}

impl Host for CellState {
    fn info(&mut self) -> wasmtime::Result<Vec<u8>> {
        Ok(durable::of(self).map_or(Value::Nil, |durable| durable.info()).to_msgpack())
    }

    fn version(&mut self, change: String, min: i64, max: i64) -> Answer<i64> {
        answer(match durable::of(self) {
            Some(durable) => durable.version(&change, min, max),
            None => Ok::<_, Failure>(max),
        })
    }

    fn attrs(&mut self, fields: Vec<u8>) -> Answer<()> {
        let outside = || Failure::invalid("workflow.attrs: only a workflow has attributes");
        let durable = durable::of(self).ok_or_else(outside);
        answer(durable.and_then(|durable| durable.attrs(value(&fields)?)))
    }

    fn answer_query(&mut self, id: String, result: Vec<u8>, failed: bool) -> wasmtime::Result<()> {
        if let Some(durable) = durable::of(self) {
            durable.answer_query(&id, outcome(&result, failed));
        }
        Ok(())
    }

    fn accept_update(&mut self, id: String) -> wasmtime::Result<()> {
        if let Some(durable) = durable::of(self) {
            durable.accept_update(&id);
        }
        Ok(())
    }

    fn reject_update(&mut self, id: String, why: Vec<u8>) -> wasmtime::Result<()> {
        if let Some(durable) = durable::of(self) {
            durable.reject_update(&id, value(&why).map_or_else(|failure| failure, failure));
        }
        Ok(())
    }

    fn complete_update(&mut self, id: String, result: Vec<u8>, failed: bool) -> wasmtime::Result<()> {
        if let Some(durable) = durable::of(self) {
            durable.complete_update(&id, outcome(&result, failed));
        }
        Ok(())
    }

    fn activity(&mut self) -> wasmtime::Result<Vec<u8>> {
        Ok(activity(self)?.map_or(Value::Nil, |activity| activity.0.info()).to_msgpack())
    }

    fn heartbeat(&mut self, details: Vec<u8>) -> Answer<()> {
        let outside = || Failure::invalid("workflow.heartbeat: this call is no activity of a workflow");
        let activity = activity(self)?.ok_or_else(outside);
        answer(activity.and_then(|activity| activity.0.heartbeat(value(&details)?)))
    }
}
