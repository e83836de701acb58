//! An entry with everything it imports: its cells begin with the image that loading it left.

use crate::bytecode;
use crate::components::{Components, FUNCTION_WASM, PROCESS_WASM};
use crate::folders::Folders;
use crate::heavy::home;
use crate::images::{Fingerprint, Images};
use crate::spares::Spares;
use crate::workflows::{WORKFLOW, check_modules};
use perilune_cell::{
    Cell, CellSpec, Chunk, Engine, EngineOptions, Extension, Form, Guest, Hibernated, Host, Identity, Image,
    ImportAlias, Limits, Pid, Template,
};
use perilune_process::Changed;
use perilune_registry::{Entry, EntryId, Import, LimitSpec, LuaCode, LuaEntry, PoolSpec, Snapshot};
use perilune_value::{Failure, Kind, Value};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock, PoisonError};
use tokio::sync::Mutex;

/// What the cells of an entry are made from.
pub(crate) struct Program {
    pub(crate) id: EntryId,
    /// Of precompiled Lua the kind of its text.
    pub(crate) kind: String,
    /// The method that a call without one runs.
    pub(crate) method: Option<String>,
    /// For a module: the methods that may be called; `None` for all.
    pub(crate) surface: Option<Vec<String>>,
    pub(crate) pool: PoolSpec,
    /// The entry and all it imports, as they were linked.
    sources: Vec<Arc<Entry>>,
    /// A cell that no call uses yet.
    spec: CellSpec,
    template: Arc<Template>,
    /// Dependencies first, the entry last; needed until the image is made.
    chunks: std::sync::Mutex<Vec<Chunk>>,
    /// Names all that its image depends on.
    pub(crate) fingerprint: Fingerprint,
    /// Made before this start, if it is an image of this program.
    written: Option<Vec<u8>>,
    /// Made by the first who needs it; an entry that fails to load is not tried again.
    image: OnceLock<Result<Arc<Image>, Failure>>,
    /// Whose turn it is to make it.
    loading: Arc<Mutex<()>>,
    /// For processes; calls have a pool.
    pub(crate) spares: Spares,
}

/// What programs are linked with.
pub(crate) struct Linker {
    pub(crate) guest: Arc<Guest>,
    /// What workflows run on: the same guest on an engine that computes the same everywhere. Made for the first of them.
    pub(crate) deterministic: OnceLock<Result<Arc<Guest>, Failure>>,
    pub(crate) extensions: Vec<Arc<Extension>>,
    pub(crate) defaults: Limits,
    pub(crate) host: Arc<dyn Host>,
    /// The context of what runs outside of any call: chunks that load.
    pub(crate) context: Arc<dyn Any + Send + Sync>,
    /// The same for workflows.
    pub(crate) workflow_context: Arc<dyn Any + Send + Sync>,
    /// What components in other languages run on.
    pub(crate) components: Arc<Components>,
    /// The host part of pids, of processes and of all else.
    pub(crate) processes: Arc<str>,
    pub(crate) functions: Arc<str>,
    /// Where bytecode may lie.
    pub(crate) folders: Arc<Folders>,
    /// Images that were made before this start.
    pub(crate) images: Option<Arc<dyn Images>>,
}

/// Kinds whose entries run; the others are only imported or looked up.
pub(crate) const PROCESS: &str = "process.lua";
pub(crate) const MODULE: &str = "module.lua";
const FUNCTION: &str = "function.lua";
/// Kinds that a call may name.
pub(crate) const CALLABLE: &[&str] = &[FUNCTION, MODULE, PROCESS, WORKFLOW, FUNCTION_WASM, PROCESS_WASM];
const LIBRARY: &str = "library.lua";

/// Workflows keep a cell while they wait, as many of them as their host says; beyond that they run again from their history.
const MOST_WORKFLOW_CELLS: u32 = 2_048;

impl Linker {
    fn deterministic(&self) -> Result<&Arc<Guest>, Failure> {
        let guest = self.deterministic.get_or_init(|| {
            let options = self.guest.engine().options();
            let max_cells = options.max_cells.min(MOST_WORKFLOW_CELLS);
            let options = EngineOptions { deterministic: true, max_cells, ..options.clone() };
            let made = Engine::new(options).and_then(|engine| self.guest.on(&engine));
            made.map(Arc::new).map_err(|error| Failure::new(Kind::Unavailable, error.to_string()))
        });
        guest.as_ref().map_err(Clone::clone)
    }

    /// Gathers an entry's imports and links the guest with their modules.
    pub(crate) fn link(&self, snapshot: &Snapshot, id: &EntryId) -> Result<Program, Failure> {
        let entry = snapshot.get(id).ok_or_else(|| unknown(id))?;
        let kind = entry.runs_as();
        if !matches!(kind, FUNCTION | PROCESS | MODULE | LIBRARY | WORKFLOW) {
            return Err(Failure::invalid(format!("{id} is a {}, which holds no code", entry.kind())));
        }
        let closure = snapshot.closure(id).into_iter();
        let sources: Result<Vec<_>, _> =
            closure.map(|id| snapshot.get(&id).cloned().ok_or_else(|| unknown(&id))).collect();
        if kind == WORKFLOW {
            check_modules(snapshot, id)?;
        }
        self.link_all(snapshot, entry, sources?, BTreeSet::new())
    }

    /// Links the guest for a session, whose own chunk gets a `name` that no entry can have, and which runs as `identity`. Code that is
    /// required later may want `modules` besides.
    pub(crate) fn link_session(
        &self,
        snapshot: &Snapshot,
        session: &Entry,
        imported: Vec<Arc<Entry>>,
        modules: BTreeSet<String>,
        name: &str,
        identity: Arc<str>,
    ) -> Result<Program, Failure> {
        let mut sources = imported;
        sources.push(Arc::new(session.clone()));
        let mut program = self.link_all(snapshot, session, sources, modules)?;
        program.spec.identity.entry = identity;
        if let Some(own) = program.chunks.lock().unwrap_or_else(PoisonError::into_inner).last_mut() {
            own.id = name.to_owned();
        }
        Ok(program)
    }

    /// Links the guest for an entry, with everything it imports and itself as `sources`, dependencies first. Code that is loaded later
    /// may want `modules` besides.
    fn link_all(
        &self,
        snapshot: &Snapshot,
        entry: &Entry,
        sources: Vec<Arc<Entry>>,
        mut modules: BTreeSet<String>,
    ) -> Result<Program, Failure> {
        let (id, kind) = (entry.id(), entry.runs_as());
        let lua = LuaEntry::decode(entry)?;
        let mut chunks = Vec::new();
        for source in &sources {
            modules.extend(granted(&LuaEntry::decode(source)?).map(str::to_owned));
            chunks.push(self.chunk(snapshot, source)?);
        }
        let is_workflow = kind == WORKFLOW;
        if is_workflow {
            // Some queries are answered by every workflow. Its code sees the module only if it lists it.
            modules.insert("workflow".to_owned());
        }
        let guest = if is_workflow { self.deterministic()? } else { &self.guest };
        let template = guest.template(modules.iter().map(String::as_str)).map_err(|error| {
            Failure::new(Kind::Internal, format!("{id}: the guest cannot be linked: {error}"))
        })?;
        let extensions = self.extensions.iter().filter(|extension| modules.contains(extension.name()));
        let host = if kind == PROCESS { &self.processes } else { &self.functions };
        let pid = Pid::numbered(host.clone(), 0);
        let spec = CellSpec {
            identity: Identity { entry: id.to_string().into(), pid },
            limits: limits(&self.defaults, &lua.limits, kind),
            host: self.host.clone(),
            context: if is_workflow { self.workflow_context.clone() } else { self.context.clone() },
            extensions: extensions.cloned().collect(),
        };
        let fingerprint = Fingerprint::of(&chunks, is_workflow);
        let written = self.images.as_ref().and_then(|images| images.image(id));
        let written = written.and_then(|written| fingerprint.strip(written));
        Ok(Program {
            id: id.clone(),
            kind: kind.to_owned(),
            method: lua.method,
            surface: lua.methods,
            pool: lua.pool,
            sources,
            spec,
            template,
            chunks: std::sync::Mutex::new(chunks),
            fingerprint,
            written,
            image: OnceLock::new(),
            loading: Arc::default(),
            spares: Spares::default(),
        })
    }

    /// The code of an entry, as cells load it.
    pub(crate) fn chunk(&self, snapshot: &Snapshot, entry: &Entry) -> Result<Chunk, Failure> {
        let lua = LuaEntry::decode(entry)?;
        let get = |id: &EntryId| snapshot.get(id).map(AsRef::as_ref);
        let source = bytecode::read(get, &lua.code, self.folders.ground());
        let source = source.map_err(|refusal| refusal.into_failure(entry.id()))?;
        Ok(chunk(entry.id(), entry.runs_as(), lua, source))
    }
}

impl Program {
    /// The entry's id, `namespace:name`.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.spec.identity.entry
    }

    /// The host part of its pids.
    pub(crate) fn host(&self) -> &Arc<str> {
        &self.spec.identity.pid.host
    }

    /// What its cells may use.
    pub(crate) fn limits(&self) -> Limits {
        self.spec.limits
    }

    /// Whether the entry and all it imports are the same in a snapshot.
    pub(crate) fn is_current(&self, snapshot: &Snapshot) -> bool {
        self.sources
            .iter()
            .all(|source| snapshot.get(source.id()).is_some_and(|entry| Arc::ptr_eq(entry, source)))
    }

    /// Which of the entry and all it imports are not the same in a snapshot.
    pub(crate) fn changed_in(&self, snapshot: &Snapshot) -> Changed {
        let changed = self.sources.iter().filter_map(|source| {
            let now = snapshot.get(source.id()).cloned();
            let is_same = now.as_ref().is_some_and(|now| Arc::ptr_eq(now, source));
            (!is_same).then(|| (source.id().clone(), now))
        });
        changed.collect()
    }

    /// The memory that loading leaves.
    ///
    /// # Errors
    ///
    /// What loading failed with, the same each time; or what kept it from being tried, such as a host without room.
    pub(crate) async fn image(self: &Arc<Self>) -> Result<Arc<Image>, Failure> {
        if let Some(image) = self.image.get() {
            return image.clone();
        }
        let turn = self.loading.clone().lock_owned().await;
        if let Some(image) = self.image.get() {
            return image.clone();
        }
        // A task of its own: a load that takes longer than its caller waits goes on for the next one.
        let program = self.clone();
        let loading = home().spawn(async move {
            let image = program.load().await?;
            drop(turn);
            image
        });
        loading.await.unwrap_or_else(|ended| {
            Err(Failure::new(Kind::Unavailable, format!("{}: loading was broken off: {ended}", self.id)))
        })
    }

    /// The image, once it is made.
    pub(crate) fn loaded(&self) -> Option<&Arc<Image>> {
        self.image.get()?.as_ref().ok()
    }

    /// A cell whose memory is the image's.
    pub(crate) async fn cell(self: &Arc<Self>) -> Result<Cell, Failure> {
        let image = self.image().await?;
        self.template.from_image(self.spec.clone(), &image).await
    }

    /// What its cells find around them, unless they are given something else.
    pub(crate) fn surroundings(&self) -> Arc<dyn Host> {
        self.spec.host.clone()
    }

    /// Gives up the instance of a cell that waits for messages alone; the cell where that cannot be done.
    pub(crate) async fn hibernate(&self, cell: Box<Cell>) -> Result<Hibernated, Box<Cell>> {
        match self.loaded() {
            Some(image) => cell.hibernate(image).await,
            None => Err(cell),
        }
    }

    /// Undoes [`Program::hibernate`].
    pub(crate) async fn revive(&self, hibernated: &Hibernated) -> Result<Cell, Failure> {
        self.template.revive(hibernated).await
    }

    /// Gives back the memory of a clean cell that nobody needs for a while.
    pub(crate) fn rest(&self, cell: &mut Cell) {
        if let Some(image) = self.loaded() {
            cell.rest(image);
        }
    }

    /// Undoes [`Program::rest`].
    pub(crate) fn wake(&self, cell: &mut Cell) {
        if let Some(image) = self.loaded() {
            cell.wake(image);
        }
    }

    /// Runs what the image of a cell could not hold.
    pub(crate) async fn finish_loading(&self, cell: &mut Cell) -> Result<(), Failure> {
        let Some(image) = self.loaded() else { return Ok(()) };
        cell.load_rest(image).await.map_err(|death| death.into_failure(self.name()))?
    }

    /// Whether callers wait for a place that an idle cell could give them.
    pub(crate) fn is_crowded(&self) -> bool {
        self.template.engine().is_crowded()
    }

    /// Whether a cell can be made that takes nobody's place.
    pub(crate) fn has_room(&self) -> bool {
        self.template.engine().has_room()
    }

    /// Inner errors stay; outer ones are worth another try.
    async fn load(&self) -> Result<Result<Arc<Image>, Failure>, Failure> {
        let chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let made = match &self.written {
            Some(written) => {
                self.template.written_image(self.spec.clone(), written, &chunks).await.transpose()
            }
            None => None,
        };
        let made = match made {
            Some(made) => made,
            None => self.template.image(self.spec.clone(), &chunks).await,
        };
        match made {
            Err(failure) if lacked_room(&failure) => Err(failure),
            outcome => {
                self.chunks.lock().unwrap_or_else(PoisonError::into_inner).clear();
                Ok(self.image.get_or_init(|| outcome.map(Arc::new)).clone())
            }
        }
    }
}

/// Whether the host had no cell to load an entry in, as opposed to what the entry itself raised.
pub(crate) fn lacked_room(failure: &Failure) -> bool {
    let limit = failure.details.as_ref().and_then(|details| details.get("limit"));
    failure.kind == Kind::Unavailable && limit.and_then(Value::as_str) == Some("cells")
}

pub(crate) fn unknown(id: &EntryId) -> Failure {
    Failure::not_found(format!("no entry {id}"))
}

/// The names of built-in modules that an entry may use.
pub(crate) fn granted(lua: &LuaEntry) -> impl Iterator<Item = &str> {
    let imported = lua.imports.values().filter_map(|import| match import {
        Import::Module(name) => Some(name.as_str()),
        Import::Entry(_) => None,
    });
    lua.modules.iter().map(String::as_str).chain(imported).map(perilune_modules::canonical)
}

fn chunk(id: &EntryId, kind: &str, lua: LuaEntry, source: Vec<u8>) -> Chunk {
    let imports = lua.imports.into_iter().map(|(alias, import)| match import {
        Import::Entry(id) => ImportAlias { alias, id: id.to_string() },
        Import::Module(name) => ImportAlias { alias, id: name },
    });
    Chunk {
        id: id.to_string(),
        form: if matches!(lua.code, LuaCode::Text(_)) { Form::Text } else { Form::Bytecode },
        source,
        imports: imports.collect(),
        modules: lua.modules,
        surface: (kind == MODULE).then(|| lua.methods.unwrap_or_default()),
    }
}

/// A process or a workflow may live for ever unless its entry says otherwise.
pub(crate) fn limits(defaults: &Limits, entry: &LimitSpec, kind: &str) -> Limits {
    let timeout = if matches!(kind, PROCESS | WORKFLOW | PROCESS_WASM) { None } else { defaults.timeout };
    Limits {
        memory: entry.memory.unwrap_or(defaults.memory),
        cpu: entry.cpu.unwrap_or(defaults.cpu),
        timeout: entry.timeout.or(timeout),
    }
}
