//! A component that was found to fit, and its calls.

use crate::call::{Call, Purpose};
use crate::exports::{self, Export};
use crate::lines::Lines;
use crate::state::State;
use crate::{Engine, Refusal, imports, texts, values};
use futures_util::FutureExt;
use perilune_cell::Death;
use perilune_value::{Failure, Kind, Value, args_from_msgpack, json};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{ComponentExportIndex, InstancePre, Val};
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

/// A component, compiled, looked at, and linked.
pub struct Program {
    engine: Engine,
    instance: InstancePre<State>,
    export: Export,
}

/// How an instance ended: a result or its own error, or against its will.
type Ended = Result<Result<Value, Failure>, Death>;

impl Program {
    /// Compiles a component, or takes it from those compiled before, and looks at what it imports and exports. Nothing of it
    /// runs. Blocks while it compiles. `method` and `modules` are those of its entry.
    ///
    /// # Errors
    ///
    /// Why it does not fit.
    pub fn new(
        engine: &Engine,
        wasm: &[u8],
        method: Option<&str>,
        modules: &[String],
    ) -> Result<Self, Refusal> {
        let component = engine.compile(wasm)?;
        let export = exports::find(&component, method)?;
        let instance = imports::link(&component, modules)?;
        Ok(Program { engine: engine.clone(), instance, export })
    }

    /// Calls it in an instance of its own. The result is MessagePack.
    ///
    /// # Errors
    ///
    /// What the component gave as its error, or how its instance ended, as a failure that names the entry.
    pub async fn run(self: Arc<Self>, call: Call) -> Result<Vec<u8>, Failure> {
        let (entry, limits, inbox) = (call.identity.entry.clone(), call.limits, call.inbox.clone());
        let deadline = limits.timeout.and_then(|timeout| call.began.checked_add(timeout));
        let running = async {
            match deadline {
                None => self.attempt(call).await,
                // While it computes the ticks watch over the deadline, while it waits a timer does.
                Some(deadline) => tokio::time::timeout_at(deadline.into(), self.attempt(call))
                    .await
                    .unwrap_or_else(|_| Err(State::too_long(&limits))),
            }
        };
        let ended = tokio::select! {
            biased;
            reason = inbox.ended() => Err(Death::Killed(reason)),
            ended = running => ended,
        };
        match ended {
            Ok(outcome) => outcome.map(|value| value.to_msgpack()),
            Err(death) => Err(death.into_failure(&entry)),
        }
    }

    /// A panic of the host's inside of an import unwinds through the instance to here.
    async fn attempt(&self, call: Call) -> Ended {
        let guarded = AssertUnwindSafe(self.execute(call)).catch_unwind().await;
        guarded.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            Err(Death::Panic(text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_default()))
        })
    }

    async fn execute(&self, call: Call) -> Ended {
        let _place = match self.engine.place().await {
            Ok(place) => place,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut wasi = WasiCtxBuilder::new();
        let lines = |stream| Lines::new(call.host.clone(), call.identity.clone(), stream);
        let (out, err) = (lines("stdout"), lines("stderr"));
        let captured = MemoryOutputPipe::new(usize::try_from(call.limits.memory).unwrap_or(usize::MAX));
        wasi.stderr(err.clone());
        match (&self.export, call.purpose) {
            (Export::Command(_), Purpose::Result) => {
                let input = match json::encode_from_msgpack(&call.args) {
                    Ok(input) => input,
                    Err(failure) => return Ok(Err(failure)),
                };
                wasi.stdin(MemoryInputPipe::new(input)).stdout(captured.clone());
            }
            (Export::Command(_), Purpose::Effect) => {
                let args = match plain(&call.args) {
                    Ok(args) => args,
                    Err(failure) => return Ok(Err(failure)),
                };
                wasi.arg(&*call.identity.entry).args(&args).stdout(out.clone());
            }
            _ => {
                wasi.stdout(out.clone());
            }
        }
        let state = State::new(&call, wasi, self.engine.ticker());
        let state =
            state.map_err(|error| Death::Trap(format!("a directory cannot be mounted: {error:#}")))?;
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(usize::try_from(call.limits.memory).unwrap_or(usize::MAX));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().tick());
        let turns = store.data().turns();
        let ended = {
            let mut running = pin!(self.call(&mut store, &call.args));
            std::future::poll_fn(|context| {
                turns.begin();
                let polled = running.as_mut().poll(context);
                if polled.is_pending() {
                    turns.pause();
                }
                polled
            })
            .await
        };
        out.finish();
        let said = err.finish();
        match ended {
            Ok(Called::Gave(outcome)) => Ok(outcome),
            Ok(Called::Exited(0)) if call.purpose == Purpose::Result => {
                let text = captured.contents();
                drop(store);
                Ok(written(&call.identity.entry, &text, call.limits.memory))
            }
            Ok(Called::Exited(0)) => Ok(Ok(Value::Nil)),
            Ok(Called::Exited(code)) => Ok(Err(exited(&call.identity.entry, code, said))),
            Err(error) => Err(store.data().death(&error)),
        }
    }

    async fn call(&self, store: &mut Store<State>, args: &[u8]) -> wasmtime::Result<Called> {
        let called = match &self.export {
            Export::Entry(index) => self.call_entry(store, index, args).await,
            Export::Command(index) => self.call_command(store, index).await,
            Export::Function(index, ty) => self.call_function(store, index, ty, args).await,
        };
        // `exit` ends an instance as a trap does.
        called.or_else(|error| match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(code)) => Ok(Called::Exited(*code)),
            None => Err(error),
        })
    }

    async fn call_entry(
        &self,
        store: &mut Store<State>,
        index: &ComponentExportIndex,
        args: &[u8],
    ) -> wasmtime::Result<Called> {
        let args = match json::encode_from_msgpack(args) {
            Ok(args) => args,
            Err(failure) => return Ok(Called::Gave(Err(failure))),
        };
        let (entry, most) = (store.data().identity.entry.clone(), store.data().most_memory());
        let given = self.invoke(store, index, &[Val::String(args)], 1).await?;
        Ok(Called::Gave(match given {
            Some(Val::Result(Ok(Some(text)))) => match *text {
                Val::String(text) => result(&entry, text.as_bytes(), most, "what it returned"),
                _ => Ok(Value::Nil),
            },
            Some(Val::Result(Err(Some(text)))) => Err(match *text {
                Val::String(text) => values::failure(
                    texts::decode(text.as_bytes(), most).unwrap_or_else(|_| Value::from(text)),
                ),
                _ => values::failure(Value::Nil),
            }),
            _ => Ok(Value::Nil),
        }))
    }

    async fn call_command(
        &self,
        store: &mut Store<State>,
        index: &ComponentExportIndex,
    ) -> wasmtime::Result<Called> {
        match self.invoke(store, index, &[], 1).await? {
            Some(Val::Result(Err(_))) => Ok(Called::Exited(1)),
            _ => Ok(Called::Exited(0)),
        }
    }

    async fn call_function(
        &self,
        store: &mut Store<State>,
        index: &ComponentExportIndex,
        ty: &ComponentFunc,
        args: &[u8],
    ) -> wasmtime::Result<Called> {
        let params = match params(&store.data().identity.entry, ty, args) {
            Ok(params) => params,
            Err(failure) => return Ok(Called::Gave(Err(failure))),
        };
        let mut types = ty.results();
        let given = self.invoke(store, index, &params, types.len()).await?;
        Ok(Called::Gave(match given.zip(types.next()) {
            None => Ok(Value::Nil),
            Some((val, ty)) => values::outcome(val, &ty),
        }))
    }

    async fn invoke(
        &self,
        store: &mut Store<State>,
        index: &ComponentExportIndex,
        params: &[Val],
        results: usize,
    ) -> wasmtime::Result<Option<Val>> {
        let instance = self.instance.instantiate_async(&mut *store).await?;
        let function = instance.get_func(&mut *store, index);
        let function = function.ok_or_else(|| wasmtime::Error::msg("the export has gone"))?;
        let mut given = vec![Val::Bool(false); results];
        function.call_async(&mut *store, params, &mut given).await?;
        Ok(given.pop())
    }
}

/// How a call came back.
enum Called {
    /// With a result, or an error of its own.
    Gave(Result<Value, Failure>),
    /// As a program, with this code.
    Exited(i32),
}

/// Arguments as a function wants them; those that are missing are nothing.
fn params(entry: &str, ty: &ComponentFunc, args: &[u8]) -> Result<Vec<Val>, Failure> {
    let args = args_from_msgpack(args).map_err(|error| Failure::invalid(error.to_string()))?;
    let most = ty.params().len();
    if args.len() > most {
        let message = format!("{entry}: takes {most} arguments, not {}", args.len());
        return Err(Failure::invalid(message));
    }
    let lowered = ty.params().enumerate().map(|(at, (name, ty))| {
        let path = format!("{entry}: argument {} (`{name}`)", at + 1);
        values::lower(args.get(at).unwrap_or(&Value::Nil), &ty, &path)
    });
    lowered.collect()
}

/// Arguments of a program.
fn plain(args: &[u8]) -> Result<Vec<String>, Failure> {
    let args = args_from_msgpack(args).map_err(|error| Failure::invalid(error.to_string()))?;
    let text = |value: Value| match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => json::encode(&value),
    };
    args.into_iter().map(text).collect()
}

/// What a program wrote, as its result.
fn written(entry: &str, text: &[u8], most: u64) -> Result<Value, Failure> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Nil);
    }
    result(entry, text, most, "what it wrote to stdout, where its result belongs,")
}

fn result(entry: &str, text: &[u8], most: u64, what: &str) -> Result<Value, Failure> {
    texts::decode(text, most).map_err(|failure| {
        if failure.kind == Kind::RateLimited {
            return Failure { message: format!("{entry}: {what}: {}", failure.message), ..failure };
        }
        Failure::internal(format!("{entry}: {what} is no JSON: {}", failure.message))
            .with_detail("entry", entry)
    })
}

fn exited(entry: &str, code: i32, said: Option<String>) -> Failure {
    let said = said.map_or_else(String::new, |said| format!(": {said}"));
    Failure::new(Kind::Internal, format!("{entry}: ended with exit code {code}{said}"))
        .with_detail("entry", entry)
        .with_detail("exit_code", i64::from(code))
}
