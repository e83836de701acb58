//! A compiled guest, and its templates: the guest linked for one set of modules.

use crate::image::Base;
use crate::interfaces::{self, GuestPre};
use crate::limits::Death;
use crate::{Cell, CellSpec, CellState, Engine, EngineError, Module};
use perilune_value::Failure;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::OnceCell;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

/// The package whose interfaces guests import.
const PACKAGE: &str = "perilune:cell/";

/// The memory that every cell of this guest begins with, taken when the first image is made.
pub(crate) type Bases = Arc<OnceCell<Arc<Base>>>;

/// Names of granted modules, sorted.
type Grant = Vec<&'static str>;

/// A guest, compiled once and shared by all its cells.
pub struct Guest {
    engine: Engine,
    /// What it was compiled from.
    wasm: Arc<[u8]>,
    component: Component,
    /// Modules that may be granted.
    modules: Vec<Module>,
    /// Modules that every cell has.
    always: Vec<Module>,
    bases: Bases,
    /// Templates in use. There are as many as different `modules:` lists, which is few.
    templates: Mutex<HashMap<Grant, Weak<Template>>>,
}

/// A guest linked for one set of modules: instances of it can call those and no others.
pub struct Template {
    engine: Engine,
    pub(crate) bases: Bases,
    instance: GuestPre<CellState>,
}

impl Guest {
    /// Compiles `wasm`, or takes it from the cache. `always` are linked for every cell, `modules` where granted.
    ///
    /// # Errors
    ///
    /// [`EngineError::Guest`] when it is not a component.
    pub fn new(
        engine: &Engine,
        wasm: &[u8],
        always: &[Module],
        modules: &[Module],
    ) -> Result<Self, EngineError> {
        Ok(Guest {
            engine: engine.clone(),
            wasm: wasm.into(),
            component: engine.compile(wasm)?,
            modules: modules.to_vec(),
            always: always.to_vec(),
            bases: Bases::default(),
            templates: Mutex::new(HashMap::new()),
        })
    }

    /// The same guest on another engine.
    ///
    /// # Errors
    ///
    /// As [`Guest::new`].
    pub fn on(&self, engine: &Engine) -> Result<Self, EngineError> {
        Self::new(engine, &self.wasm, &self.always, &self.modules)
    }

    /// What it is compiled for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The guest with the modules named; names of other modules are passed over.
    ///
    /// # Errors
    ///
    /// [`EngineError::Guest`] when the component does not fit the contract in `wit/`.
    pub fn template<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Arc<Template>, EngineError> {
        let mut granted: Vec<Module> = Vec::new();
        for name in names {
            granted.extend(self.modules.iter().find(|module| module.name == name));
        }
        let mut grant: Grant = granted.iter().map(|module| module.name).collect();
        grant.sort_unstable();
        grant.dedup();

        let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = templates.get(&grant).and_then(Weak::upgrade) {
            return Ok(template);
        }
        templates.retain(|_, template| template.strong_count() > 0);
        let linked = self.link(&grant).map_err(|error| EngineError::Guest(format!("{error:#}")))?;
        let template = Arc::new(linked);
        templates.insert(grant, Arc::downgrade(&template));
        Ok(template)
    }

    /// Interfaces and functions that the component imports, as `interface.function`, sorted.
    pub fn imports(&self) -> Vec<String> {
        let engine = self.engine.wasmtime();
        let mut names = Vec::new();
        for (interface, item) in self.component.component_type().imports(engine) {
            match item.ty {
                ComponentItem::ComponentInstance(instance) => {
                    for (function, _) in instance.exports(engine) {
                        names.push(format!("{interface}.{function}"));
                    }
                }
                _ => names.push(interface.to_owned()),
            }
        }
        names.sort();
        names
    }

    fn link(&self, grant: &[&'static str]) -> wasmtime::Result<Template> {
        let engine = self.engine.wasmtime();
        let mut linker = Linker::new(engine);
        interfaces::link(&mut linker)?;
        for module in &self.always {
            (module.link)(&mut linker)?;
        }
        for module in self.modules.iter().filter(|module| grant.contains(&module.name)) {
            (module.link)(&mut linker)?;
        }
        self.trap_the_rest(&mut linker, grant)?;
        let instance = GuestPre::new(linker.instantiate_pre(&self.component)?)?;
        Ok(Template { engine: self.engine.clone(), bases: self.bases.clone(), instance })
    }

    /// Defines the functions of every module that was not granted as a trap that names it.
    fn trap_the_rest(&self, linker: &mut Linker<CellState>, grant: &[&str]) -> wasmtime::Result<()> {
        let engine = self.engine.wasmtime();
        for (full_name, item) in self.component.component_type().imports(engine) {
            let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
            let name =
                full_name.strip_prefix(PACKAGE).and_then(|rest| rest.split('@').next()).unwrap_or(full_name);
            // WIT has no underscores.
            let name = name.replace('-', "_");
            let is_refused =
                self.modules.iter().any(|module| module.name == name) && !grant.contains(&name.as_str());
            if !is_refused {
                continue;
            }
            let mut refused = linker.instance(full_name)?;
            for (function, item) in instance.exports(engine) {
                if matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                    let death = Death::NotGranted { interface: name.clone(), function: function.to_owned() };
                    refused.func_new(function, move |_, _, _, _| Err(wasmtime::Error::new(death.clone())))?;
                }
            }
        }
        Ok(())
    }
}

impl Template {
    /// What its cells run on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A fresh cell.
    ///
    /// # Errors
    ///
    /// `Unavailable` when there is no place for another cell, `RateLimited` when the guest does not fit the memory limit.
    pub async fn instantiate(&self, spec: CellSpec) -> Result<Cell, Failure> {
        Cell::new(&self.engine, &self.instance, spec).await
    }
}
