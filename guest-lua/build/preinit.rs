//! Runs the guest's `init` at build time and keeps the memory it leaves: instances start with the prelude loaded.

use anyhow::{Context, Result, anyhow};
use std::pin::pin;
use std::task::{Poll, Waker};
use wasmtime::component::{Component, Instance, Lift, Linker, WasmList};
use wasmtime::{Config, Engine, Store};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

/// Where `init` says what is wrong with the prelude.
const LOG: &str = "perilune:cell/log@0.1.0";

/// `throwing` allows wasm exceptions, which only the guest as linked needs.
pub(crate) fn run(component: &[u8], throwing: bool) -> Result<Vec<u8>> {
    // Nothing in here waits for anything, so polling until it is done does not spin.
    let mut work = pin!(initialise(component, throwing));
    let mut context = std::task::Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
    }
}

async fn initialise(component: &[u8], throwing: bool) -> Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    // Without the init function the rewritten component would not validate.
    wizer.init_func("init").keep_init_func(true);
    let (context, instrumented) =
        wizer.instrument_component(component).map_err(|error| anyhow!("{error:?}"))?;

    let mut config = Config::new();
    config.wasm_exceptions(throwing);
    let engine = Engine::new(&config).map_err(|error| anyhow!("{error:?}"))?;
    let compiled = Component::new(&engine, &instrumented).map_err(|error| anyhow!("{error:?}"))?;
    let mut linker = Linker::<()>::new(&engine);
    let mut log = linker.instance(LOG).map_err(|error| anyhow!("{error:?}"))?;
    log.func_wrap("print", |_, (text, _): (Vec<u8>, String)| {
        Err::<(), _>(wasmtime::Error::msg(String::from_utf8_lossy(&text).into_owned()))
    })
    .map_err(|error| anyhow!("{error:?}"))?;
    // `init` touches nothing outside the guest; an import called by mistake traps and fails the build.
    linker.define_unknown_imports_as_traps(&compiled).map_err(|error| anyhow!("{error:?}"))?;
    let mut store = Store::new(&engine, ());
    let instance =
        linker.instantiate_async(&mut store, &compiled).await.map_err(|error| anyhow!("{error:?}"))?;
    let init = instance.get_typed_func::<(), ()>(&mut store, "init").map_err(|error| anyhow!("{error:?}"))?;
    init.call_async(&mut store, ()).await.map_err(|error| anyhow!("{error:?}")).context("init")?;
    let mut state = Initialised { store, instance };
    wizer.snapshot_component(&context, &mut state).await.map_err(|error| anyhow!("{error:?}"))
}

/// Lets wizer read the instance through the accessors that it added.
struct Initialised {
    store: Store<()>,
    instance: Instance,
}

impl Initialised {
    async fn call<R, S>(
        &mut self,
        interface: &str,
        function: &str,
        read: impl FnOnce(&Store<()>, R) -> S,
    ) -> S
    where
        R: Lift + Send + 'static,
    {
        const ADDED: &str = "invariant: wizer's own instrumentation exports its accessors";
        let store = &mut self.store;
        let (_, interface) = self.instance.get_export(&mut *store, None, interface).expect(ADDED);
        let (_, function) = self.instance.get_export(&mut *store, Some(&interface), function).expect(ADDED);
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *store, function).expect(ADDED);
        let (value,) = function.call_async(&mut *store, ()).await.expect(ADDED);
        read(store, value)
    }
}

impl ComponentInstanceState for Initialised {
    async fn call_func_ret_list_u8(
        &mut self,
        interface: &str,
        function: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        self.call(interface, function, |store, list: WasmList<u8>| contents(list.as_le_slice(store))).await;
    }

    async fn call_func_ret_s32(&mut self, interface: &str, function: &str) -> i32 {
        self.call(interface, function, |_, value| value).await
    }

    async fn call_func_ret_s64(&mut self, interface: &str, function: &str) -> i64 {
        self.call(interface, function, |_, value| value).await
    }

    async fn call_func_ret_f32(&mut self, interface: &str, function: &str) -> u32 {
        self.call(interface, function, |_, value: f32| value.to_bits()).await
    }

    async fn call_func_ret_f64(&mut self, interface: &str, function: &str) -> u64 {
        self.call(interface, function, |_, value: f64| value.to_bits()).await
    }
}
