//! Every setting of a host.

use crate::bytecode;
use crate::checks::Checker;
use crate::components::{Components, MOUNTING};
use crate::folders::{self, Folders};
use crate::images::Images;
use crate::packs;
use crate::runtime::{Inner, Parts, Runtime, kinds};
use crate::surroundings::{Log, Output, Surroundings};
use perilune_cell::{Coverage, Engine, EngineError, EngineOptions, Extension, Guest, Limits};
use perilune_modules::{ALIASES, ALWAYS, MODULES};
use perilune_network::{List, PatternError};
use perilune_pack::{Pack, PackError};
use perilune_process::Terminal;
use perilune_registry::{Baseline, Entry, Kinds, Registry, Report, Rules};
use perilune_resource::Allowed;
use perilune_security::Strictness;
use std::path::PathBuf;
use std::sync::Arc;

/// Names that every chunk has: an alias or a module of the embedding application cannot take them.
const RESERVED: &[&str] = &[
    "_G",
    "_VERSION",
    "assert",
    "channel",
    "coroutine",
    "error",
    "errors",
    "getmetatable",
    "ipairs",
    "math",
    "next",
    "os",
    "package",
    "pairs",
    "payload",
    "pcall",
    "print",
    "process",
    "rawequal",
    "rawget",
    "rawset",
    "require",
    "select",
    "setmetatable",
    "string",
    "subscribe",
    "table",
    "tonumber",
    "tostring",
    "type",
    "unpack",
    "unsubscribe",
    "xpcall",
];

/// Modules that may be listed although every chunk has them.
const ALSO_GLOBAL: &[&str] = &["channel", "errors", "payload", "process", "stream"];

/// Sets a host up.
pub struct RuntimeBuilder {
    directory: Option<PathBuf>,
    pack: Option<Pack>,
    data: Option<PathBuf>,
    entries: Vec<Entry>,
    extensions: Vec<Arc<Extension>>,
    engine: EngineOptions,
    limits: Limits,
    ceiling: Limits,
    output: Arc<dyn Output>,
    registry_writable: bool,
    allowed: Allowed,
    strictness: Strictness,
    terminal: Option<Arc<Terminal>>,
    coverage: Option<Arc<Coverage>>,
    max_processes: usize,
    images: Option<Arc<dyn Images>>,
}

impl Default for RuntimeBuilder {
    fn default() -> Self {
        RuntimeBuilder {
            directory: None,
            pack: None,
            data: None,
            entries: Vec::new(),
            extensions: Vec::new(),
            engine: EngineOptions::default(),
            limits: Limits::DEFAULT,
            ceiling: Limits::CEILING,
            output: Arc::new(Log),
            registry_writable: true,
            allowed: Allowed::default(),
            strictness: Strictness::default(),
            terminal: None,
            coverage: None,
            max_processes: usize::MAX,
            images: None,
        }
    }
}

/// Why a host could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Something is wrong with the entries; [`Report::render`] shows all of it.
    #[error("{0}")]
    Entries(Report),
    /// The sandbox engine does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A module of the embedding application cannot have this name.
    #[error(
        "a module cannot be named `{0}`: a name is not empty, holds no colon, and is not taken by Lua or another module"
    )]
    ModuleName(String),
    /// A file of the pack cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// An item of [`Allowed::network`] names no hosts.
    #[error("what entries may reach: {0}")]
    Network(#[from] PatternError),
}

impl RuntimeBuilder {
    /// Sets the directory of the application: its YAML and JSON files hold the entries.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Sets the pack of the application, which takes the place of its directory: the entries and embedded files in it.
    #[must_use]
    pub fn pack(mut self, pack: Pack) -> Self {
        self.pack = Some(pack);
        self
    }

    /// Sets the folder that relative paths of entries begin at where the application is a pack: a pack has none of its own.
    #[must_use]
    pub fn data(mut self, path: impl Into<PathBuf>) -> Self {
        self.data = Some(path.into());
        self
    }

    /// Adds an entry made in memory.
    #[must_use]
    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Adds entries made in memory.
    #[must_use]
    pub fn entries(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.entries.extend(entries);
        self
    }

    /// Adds a module written in Rust; entries use it by listing its name.
    #[must_use]
    pub fn module(mut self, module: Extension) -> Self {
        self.extensions.push(Arc::new(module));
        self
    }

    /// Sets what holds for entries that say nothing in `limits:`.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what no entry may exceed.
    #[must_use]
    pub fn ceiling(mut self, ceiling: Limits) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// Sets the number of cells, the waiting for them, and the cache.
    #[must_use]
    pub fn engine(mut self, options: EngineOptions) -> Self {
        self.engine = options;
        self
    }

    /// Sets where printed lines go; without it they go to the log.
    #[must_use]
    pub fn output(mut self, output: impl Output) -> Self {
        self.output = Arc::new(output);
        self
    }

    /// Sets whether entries that list module `registry` may change entries, which is the default.
    #[must_use]
    pub fn registry_writable(mut self, writable: bool) -> Self {
        self.registry_writable = writable;
        self
    }

    /// Sets what entries may reach outside of the sandbox: variables of the environment, addresses, directories. Nothing without
    /// it.
    #[must_use]
    pub fn allow(mut self, allowed: Allowed) -> Self {
        self.allowed = allowed;
        self
    }

    /// Sets when calls without an actor or a scope of policies may do nothing that is guarded; without it, as soon as the
    /// application has a policy.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Sets what a process on a `terminal.host` reads and writes (module `io`). Nothing without it.
    #[must_use]
    pub fn terminal(mut self, terminal: Arc<Terminal>) -> Self {
        self.terminal = Some(terminal);
        self
    }

    /// Sets what is told which lines of Lua run. Without it nobody watches, and nothing is slower.
    #[must_use]
    pub fn coverage(mut self, coverage: Arc<Coverage>) -> Self {
        self.coverage = Some(coverage);
        self
    }

    /// Sets how many processes may run at the same time in all `process.host` entries together, each of which has a limit of its
    /// own besides; no limit without it.
    #[must_use]
    pub fn max_processes(mut self, most: usize) -> Self {
        self.max_processes = most;
        self
    }

    /// Sets where images come from that [`Runtime::image`] has written: entries that have one need not be loaded. One that does not fit
    /// the entry as it is now is passed over.
    #[must_use]
    pub fn images(mut self, images: impl Images) -> Self {
        self.images = Some(Arc::new(images));
        self
    }

    /// Loads and checks all entries and starts the engine. Nothing runs yet.
    ///
    /// # Errors
    ///
    /// [`BuildError::Entries`] with everything that is wrong with all files.
    pub fn build(self) -> Result<Runtime, BuildError> {
        perilune_sql::prepare();
        let modules = module_names(&self.extensions)?;
        List::parse(&self.allowed.network)?;
        let engine = Engine::new(self.engine)?;
        let guest = Arc::new(Guest::new(&engine, perilune_guest_lua::COMPONENT, ALWAYS, MODULES)?);
        let components = Arc::new(Components::new(engine.options()));
        let checker = Checker::new(&guest, self.ceiling, self.coverage.clone(), components.clone())?;
        let rules = rules_with(modules).with_check(move |entry| checker.check(entry));
        let folder = if self.pack.is_some() { self.data } else { self.directory.clone() };
        let folders = Folders {
            folder: folder.clone(),
            directories: self.allowed.directories.clone(),
            pack: self.pack.clone(),
        };
        let folders = Arc::new(folders);
        let (shown, files, mounts) = (folders.clone(), folders.clone(), folders.clone());
        let rules = rules
            .with_state_check(folders::KINDS, move |all| shown.check(all))
            .with_state_check(bytecode::KINDS, move |all| bytecode::check(all, files.ground()))
            .with_state_check(MOUNTING, move |all| mounts.check_mounts(all));

        let mut baseline = match (&self.pack, &self.directory) {
            (Some(pack), _) => Baseline::read_files(packs::files(pack)?, &rules),
            (None, Some(directory)) => Baseline::read_dir(directory, &rules),
            (None, None) => Baseline::new(),
        };
        for entry in self.entries {
            baseline.add(entry);
        }
        for ignored in baseline.ignored() {
            tracing::debug!(?ignored, "this file holds no entries");
        }
        let registry = Arc::new(Registry::new(baseline, rules).map_err(BuildError::Entries)?);
        let limits = at_most(self.limits, self.ceiling);
        let packed = self.pack.map(|pack| Arc::new(packs::PackedImages(pack)) as Arc<dyn Images>);
        let images = self.images.or(packed);
        let inner = Inner::new(Parts {
            registry,
            engine,
            guest,
            extensions: self.extensions,
            limits,
            // Of what an image holds, nobody would see which lines ran.
            images: images.filter(|_| self.coverage.is_none()),
            surroundings: Surroundings { output: self.output, coverage: self.coverage },
            folders,
            registry_writable: self.registry_writable,
            folder,
            allowed: self.allowed,
            strictness: self.strictness,
            terminal: self.terminal,
            max_processes: self.max_processes,
            components,
        });
        Ok(Runtime { inner })
    }
}

/// What entries may be in this version: kinds, modules and names. A host has checks of its own besides, and modules of its
/// application.
pub fn rules() -> Rules {
    rules_with(built_in_modules().map(str::to_owned))
}

fn rules_with(modules: impl IntoIterator<Item = String>) -> Rules {
    let kinds = kinds().fold(Kinds::standard(), |kinds, kind| kinds.with(kind.spec));
    Rules::new(kinds).with_modules(modules).with_reserved(RESERVED.iter().copied())
}

fn built_in_modules() -> impl Iterator<Item = &'static str> {
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    MODULES.iter().map(|module| module.name).chain(aliases).chain(ALSO_GLOBAL.iter().copied())
}

/// All names that `modules:` may list.
fn module_names(extensions: &[Arc<Extension>]) -> Result<Vec<String>, BuildError> {
    let mut names: Vec<String> = built_in_modules().map(str::to_owned).collect();
    for extension in extensions {
        let name = extension.name();
        if name.is_empty()
            || name.contains(':')
            || RESERVED.contains(&name)
            || names.iter().any(|taken| taken == name)
        {
            return Err(BuildError::ModuleName(name.to_owned()));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// A host's own defaults cannot exceed its ceiling either.
fn at_most(limits: Limits, ceiling: Limits) -> Limits {
    Limits {
        memory: limits.memory.min(ceiling.memory),
        cpu: limits.cpu.min(ceiling.cpu),
        timeout: match (limits.timeout, ceiling.timeout) {
            (Some(limit), Some(ceiling)) => Some(limit.min(ceiling)),
            (limit, ceiling) => limit.or(ceiling),
        },
    }
}
