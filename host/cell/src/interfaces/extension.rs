//! `perilune:cell/extension`: modules that the embedding application supplies.

use super::failure_to_wit;
use super::types;
use super::wit::extension::{Function as Description, Host};
use crate::extension::{Extension, Function};
use crate::limits::Death;
use crate::{CellState, Ticket};
use perilune_value::{Failure, Value, args_from_msgpack};
use std::sync::Arc;

impl CellState {
    /// The module, if it is granted. A guest that names another one dies.
    fn extension(&self, module: &str, function: &str) -> wasmtime::Result<Arc<Extension>> {
        let granted = self.extensions.iter().find(|extension| extension.name() == module);
        granted.cloned().ok_or_else(|| {
            let death = Death::NotGranted { interface: module.to_owned(), function: function.to_owned() };
            wasmtime::Error::new(death)
        })
    }
}

fn unknown(module: &str, name: &str) -> Failure {
    Failure::not_found(format!("module {module} has no function {name}"))
}

fn arguments(args: &[u8]) -> Result<Vec<Value>, Failure> {
    args_from_msgpack(args).map_err(|error| Failure::invalid(error.to_string()))
}

impl Host for CellState {
    fn describe(&mut self, module: String) -> wasmtime::Result<Vec<Description>> {
        let extension = self.extension(&module, "describe")?;
        let describe = |(name, function): (&String, &Function)| Description {
            name: name.clone(),
            waits: matches!(function, Function::Slow(_)),
        };
        Ok(extension.functions().iter().map(describe).collect())
    }

    fn call(
        &mut self,
        module: String,
        name: String,
        args: Vec<u8>,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Failure>> {
        let extension = self.extension(&module, &name)?;
        let result = match extension.functions().get(&name) {
            Some(Function::Quick(body)) => arguments(&args).and_then(body),
            _ => Err(unknown(&module, &name)),
        };
        Ok(result.map(|value| value.to_msgpack()).map_err(failure_to_wit))
    }

    fn start_slow_call(&mut self, module: String, name: String, args: Vec<u8>) -> wasmtime::Result<Ticket> {
        let extension = self.extension(&module, &name)?;
        let held = self.hold(args.len())?;
        let operation = match extension.functions().get(&name) {
            Some(Function::Slow(body)) => arguments(&args).map(body),
            _ => Err(unknown(&module, &name)),
        };
        self.tickets.start(async move {
            let _held = held;
            operation?.await
        })
    }

    fn take_slow_call(&mut self, ticket: Ticket) -> wasmtime::Result<Result<Vec<u8>, types::Failure>> {
        let outcome = self.tickets.take::<Value>(ticket)?;
        Ok(outcome.map(|value| value.to_msgpack()).map_err(failure_to_wit))
    }
}
