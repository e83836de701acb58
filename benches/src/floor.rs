//! The guest by bare wasmtime: nothing of ours around it but the engine's settings, without epochs.

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store};

mod bindings {
    #![allow(missing_docs, reason = "generated from wit/, which documents it")]
    #![allow(clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package perilune:bench;
            world guest {
                export perilune:cell/guest@0.1.0;
            }
        ",
        world: "perilune:bench/guest",
    });
}

use bindings::exports::perilune::cell::guest::{Chunk, Form, Status};

/// Nothing here depends on chance.
const SEED: (u64, u64) = (4, 2);

/// The guest, compiled and linked.
pub struct Floor {
    engine: Engine,
    guest: InstancePre<()>,
}

/// An instance with an entry loaded.
pub struct Loaded {
    store: Store<()>,
    guest: bindings::Guest,
}

impl Floor {
    /// Compiles it. `max_cells` is that of the host it is compared with.
    ///
    /// # Errors
    ///
    /// When wasmtime refuses the settings or the guest.
    pub fn new(max_cells: u32) -> wasmtime::Result<Self> {
        let mut config = perilune_cell::wasmtime_config(max_cells);
        config.epoch_interruption(false);
        let engine = Engine::new(&config)?;
        let component = Component::new(&engine, perilune_guest_lua::COMPONENT)?;
        let mut linker = Linker::new(&engine);
        // What the guest asks while it loads an entry.
        linker.instance("perilune:cell/durable@0.1.0")?.func_wrap("is-workflow", |_, (): ()| Ok((false,)))?;
        linker.instance("perilune:cell/coverage@0.1.0")?.func_wrap("is-wanted", |_, (): ()| Ok((false,)))?;
        linker.define_unknown_imports_as_traps(&component)?;
        Ok(Floor { guest: linker.instantiate_pre(&component)?, engine })
    }

    /// Makes an instance and drops it.
    ///
    /// # Errors
    ///
    /// When there is no room for it.
    pub fn instantiate(&self) -> wasmtime::Result<()> {
        let mut store = Store::new(&self.engine, ());
        self.guest.instantiate(&mut store)?;
        Ok(())
    }

    /// An instance that has loaded an entry without imports.
    ///
    /// # Errors
    ///
    /// When the entry does not load.
    pub fn load(&self, source: &str) -> wasmtime::Result<Loaded> {
        let mut store = Store::new(&self.engine, ());
        let guest = bindings::GuestPre::new(self.guest.clone())?.instantiate(&mut store)?;
        let chunk = Chunk {
            id: "bench:entry".to_owned(),
            form: Form::Text,
            source: source.as_bytes().to_vec(),
            modules: Vec::new(),
            imports: Vec::new(),
            surface: None,
        };
        let loaded = guest.perilune_cell_guest().call_load(&mut store, &[chunk], SEED)?;
        loaded.map_err(|failure| wasmtime::Error::msg(failure.message))?;
        Ok(Loaded { store, guest })
    }
}

impl Loaded {
    /// One typed call.
    ///
    /// # Errors
    ///
    /// When it traps or the method does not return at once.
    pub fn start(&mut self, method: &str, args: &[u8]) -> wasmtime::Result<Vec<u8>> {
        match self.guest.perilune_cell_guest().call_start(&mut self.store, method, args, SEED)? {
            Status::Done(Ok(result)) => Ok(result),
            Status::Done(Err(failure)) => Err(wasmtime::Error::msg(failure.message)),
            Status::Waiting(_) => Err(wasmtime::Error::msg("the method waits")),
        }
    }
}

/// An error of wasmtime as the other sides have theirs.
pub fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
