//! Module `env`: variables of the environment.

use crate::bindings::{Answer, env as wit};
use crate::{CallContext, streams};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Held, Module, Reservation, Ticket};
use perilune_environment::{Variable, find, public};
use perilune_registry::quote;
use perilune_resource::Resources;
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "env",
    summary: "Reads and sets variables of the environment.",
    classes: &[Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What is read, with the right to keep it.
type Kept<T> = (T, Vec<Reservation>);

/// Runs an operation on a thread that may block: values may be in files.
fn start<T: Send + 'static>(
    state: &mut CellState,
    operation: impl FnOnce(&CallContext, &Arc<Resources>) -> Result<T, Failure> + Send + 'static,
) -> wasmtime::Result<Ticket> {
    let context = state.context.clone();
    let work = move || match context.downcast_ref::<CallContext>() {
        Some(context) => operation(context, &context.host.resources),
        None => Err(Failure::internal("this cell was made without a call context")),
    };
    state.tickets.start(async move {
        let failed = |_| Failure::internal("the host failed while it looked at variables");
        tokio::task::spawn_blocking(work).await.map_err(failed)?
    })
}

/// The variable of a name, once the call is known to be allowed to do that with it.
fn guarded(
    context: &CallContext,
    resources: &Arc<Resources>,
    action: &str,
    name: &str,
) -> Result<Arc<Variable>, Failure> {
    // Policies know a variable by one name, whichever of its names a script uses.
    let found = find(resources, name);
    context.check(action, found.as_ref().map_or(name, |(_, known_as)| known_as))?;
    resources.get(&found?.0.to_string())
}

fn keep(held: &Arc<Held>, text: &str) -> Result<Reservation, Failure> {
    held.reserve(text.len()).ok_or_else(streams::too_much)
}

/// What a call may read of the variables with public names. One that cannot be read does not hide the others.
fn all(context: &CallContext, resources: &Arc<Resources>, held: &Arc<Held>) -> Result<Kept<Value>, Failure> {
    let (mut values, mut reserved) = (Vec::new(), Vec::new());
    for (name, id) in public(resources) {
        if !context.allows("env.get", &name, &Value::Map(Vec::new())) {
            continue;
        }
        match resources.get::<Variable>(&id.to_string()).and_then(|variable| variable.get()) {
            Ok(Some(value)) => {
                reserved.push(keep(held, &value)?);
                values.push((Value::from(name), Value::from(value)));
            }
            Ok(None) => {}
            Err(failure) if failure.kind == Kind::PermissionDenied => {}
            Err(failure) => tracing::debug!(variable = name, error = failure.message, "it cannot be read"),
        }
    }
    Ok((Value::Map(values), reserved))
}

impl wit::Host for CellState {
    fn start_get(&mut self, name: String) -> wasmtime::Result<Ticket> {
        let held = self.held.clone();
        start(self, move |context, resources| {
            let variable = guarded(context, resources, "env.get", &name)?;
            let value = variable.get()?.ok_or_else(|| {
                Failure::not_found(format!("the variable {} is not set and has no default", quote(&name)))
            })?;
            let reserved = keep(&held, &value)?;
            Ok((value, vec![reserved]))
        })
    }

    fn take_get(&mut self, ticket: Ticket) -> Answer<String> {
        let taken = self.tickets.take::<Kept<String>>(ticket)?;
        Ok(taken.map(|(value, _)| value).map_err(failure_to_wit))
    }

    fn start_set(&mut self, name: String, value: String) -> wasmtime::Result<Ticket> {
        let held = self.hold(value.len())?;
        start(self, move |context, resources| {
            let _held = held;
            if guarded(context, resources, "env.set", &name)?.set(&value)? {
                // Servers that were started with the value before start anew.
                resources.touch();
            }
            Ok(())
        })
    }

    fn take_set(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_get_all(&mut self) -> wasmtime::Result<Ticket> {
        let held = self.held.clone();
        start(self, move |context, resources| all(context, resources, &held))
    }

    fn take_get_all(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        let taken = self.tickets.take::<Kept<Value>>(ticket)?;
        Ok(taken.map(|(values, _)| values.to_msgpack()).map_err(failure_to_wit))
    }
}
