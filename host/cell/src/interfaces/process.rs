//! `perilune:cell/process`: a cell's identity and its messages to others.

use super::types;
use super::{failure_to_wit, wit::process};
use crate::CellState;

impl process::Host for CellState {
    fn id(&mut self) -> wasmtime::Result<String> {
        Ok(self.identity.entry.to_string())
    }

    fn pid(&mut self) -> wasmtime::Result<String> {
        Ok(self.identity.pid.to_string())
    }

    fn send(
        &mut self,
        pid: String,
        topic: String,
        payloads: Vec<u8>,
    ) -> wasmtime::Result<Result<(), types::Failure>> {
        let sent = self
            .host
            .check(&self.identity, &*self.context, "process.send", &pid)
            .and_then(|()| self.host.send(&self.identity, &pid, &topic, payloads));
        Ok(sent.map_err(failure_to_wit))
    }
}
