//! The interface `perilune:component/funcs`.

use crate::state::State;
use crate::texts::{Answer, answer};
use perilune_value::{Failure, Kind, json};
use std::time::Duration;
use wasmtime::component::{HasSelf, Linker};

mod bindings {
    #![allow(missing_docs, reason = "generated from wit/, which documents it")]
    #![allow(clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package perilune:host;
            world imports {
                import perilune:component/funcs@0.1.0;
            }
        ",
        world: "perilune:host/imports",
        imports: { default: async | trappable },
    });
}

use bindings::perilune::component::funcs as wit;

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

impl wit::Host for State {
    async fn call(&mut self, target: String, arguments: String, timeout: Option<u64>) -> Answer<String> {
        let args = match self.values(&arguments) {
            Ok(args) => args,
            Err(failure) => return answer(Err(failure)),
        };
        self.peers.waits(self.memory());
        let called = self.peers.call(target.clone(), args, timeout.map(Duration::from_millis)).await;
        self.goes_on().await?;
        answer(called.and_then(|result| self.text(&target, &result)))
    }
}

impl State {
    /// A result that the instance has room for, as JSON.
    fn text(&self, target: &str, result: &[u8]) -> Result<String, Failure> {
        let text = json::encode_from_msgpack(result)?;
        if text.len() as u64 > self.most_memory() {
            let message = format!("{target}: its result exceeds the caller's `limits.memory`");
            return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "memory"));
        }
        Ok(text)
    }
}
