//! A host: entries, and everything that runs them.

use crate::call::Call;
use crate::components::Components;
use crate::folders::Folders;
use crate::functions::{self, FromCells, FromServices};
use crate::heavy::Heavy;
use crate::images::Images;
use crate::memory::MemoryLimit;
use crate::pools::{PoolStats, Pools};
use crate::post::ByPids;
use crate::processes::{self, Command, decode};
use crate::program::Linker;
use crate::surroundings::Surroundings;
use crate::system::System;
use crate::{RuntimeBuilder, access, workflows};
use perilune_cell::{Engine, Extension, Guest, Limits};
use perilune_files::Packed;
use perilune_modules::{self as modules, CallContext};
use perilune_process::{Activity, Run, Table, Terminal, Total};
use perilune_registry::{EntryId, Registry};
use perilune_resource::{Allowed, Post, ResourceKind, Resources, Services, Shared, Spawner};
use perilune_security::{Actor, Authority, Policies, Strictness};
use perilune_value::{Failure, Kind, TypeError, Value, from_value, to_value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use tokio::sync::{Notify, watch};

/// Processes that are asked for their cells at once.
const MOST_RELIEF: usize = 64;

/// A host of entries. Cheap to clone; all clones are the same host.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) registry: Arc<Registry>,
    pub(crate) pools: Pools,
    /// All runs: processes, calls, and clients with a mailbox.
    pub(crate) runs: Arc<Table>,
    /// What modules in cells ask for.
    pub(crate) modules: Arc<modules::Host>,
    pub(crate) services: Services,
    pub(crate) heavy: Arc<Heavy>,
    pub(crate) engine: Engine,
    pub(crate) extensions: Vec<Arc<Extension>>,
    pub(crate) memory_limit: MemoryLimit,
    /// Told when cells are needed, once for each: a process that waits can give its own.
    pub(crate) relief: Arc<Notify>,
    /// What a process on a terminal host reads and writes.
    pub(crate) terminal: Option<Arc<Terminal>>,
    /// Commands that run on such hosts.
    pub(crate) commands_running: Mutex<Vec<Arc<Run>>>,
    /// Set when an entry asked the host to end.
    pub(crate) exit: watch::Sender<Option<i32>>,
}

/// Every kind of entry that becomes a live thing.
pub(crate) fn kinds() -> impl Iterator<Item = &'static ResourceKind> {
    modules::KINDS.iter().copied().flatten().chain(workflows::KINDS)
}

impl Inner {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let Parts {
            registry,
            engine,
            guest,
            extensions,
            limits,
            surroundings,
            folders,
            registry_writable,
            folder,
            allowed,
            strictness,
            terminal,
            max_processes,
            images,
            components,
        } = parts;
        let surroundings = Arc::new(surroundings);
        let shared = Shared::default();
        shared.get_or(|| Packed(folders.pack.clone()));
        let policies = shared.get_or(|| Policies::new(strictness));
        shared.get_or(|| Total::at_most(max_processes));
        let runs = shared.get::<Arc<Table>>().as_ref().clone();
        shared.get_or(|| Post::new(ByPids(runs.clone())));
        let resources_home = shared.get::<workflows::Home>();
        let inner = Arc::new_cyclic(|inner: &Weak<Inner>| {
            shared.get_or(|| {
                Spawner::new(processes::ForServices { inner: inner.clone(), table: runs.clone() })
            });
            let host = perilune_resource::Host {
                registry: registry.clone(),
                functions: Arc::new(FromServices(inner.clone())),
                folder,
                allowed,
                shared,
                variables: modules::VARIABLES,
            };
            let resources = Resources::new(host, kinds().copied());
            let services = Services::new(resources.clone());
            let modules = Arc::new(modules::Host {
                functions: Arc::new(FromCells(inner.clone())),
                processes: Arc::new(processes::Access { inner: inner.clone(), table: runs.clone() }),
                registry: Arc::new(access::Access::new(registry.clone(), registry_writable)),
                system: Arc::new(System(inner.clone())),
                resources,
                policies,
                audit: Arc::default(),
            });
            resources_home.is(inner.clone());
            let context = Arc::new(CallContext::new(modules.clone()));
            let workflow_context =
                Arc::new(CallContext { is_workflow: true, ..CallContext::new(modules.clone()) });
            let linker = Linker {
                guest,
                deterministic: OnceLock::new(),
                extensions: extensions.clone(),
                defaults: limits,
                host: surroundings.clone(),
                context,
                workflow_context,
                components,
                processes: "processes".into(),
                functions: "functions".into(),
                folders,
                images,
            };
            let pools = Pools::new(linker, &registry);
            Inner {
                registry,
                pools,
                runs,
                modules,
                services,
                heavy: Arc::default(),
                engine: engine.clone(),
                extensions,
                memory_limit: MemoryLimit::default(),
                relief: Arc::default(),
                terminal,
                commands_running: Mutex::default(),
                exit: watch::Sender::new(None),
            }
        });
        let outdated = Arc::downgrade(&inner);
        inner.registry.watch(move |_| outdated.upgrade().map(|inner| inner.tell_outdated()).is_some());
        inner.pools.rest_regularly(Arc::downgrade(&inner));
        let relieved = Arc::downgrade(&inner);
        engine.relieve_by(move |wanted| {
            if let Some(inner) = relieved.upgrade() {
                let shed = inner.pools.shed(wanted);
                (shed..wanted.min(MOST_RELIEF)).for_each(|_| inner.relief.notify_one());
            }
        });
        inner
    }
}

impl Drop for Inner {
    /// Processes have nobody left who could ask for them.
    fn drop(&mut self) {
        for run in self.runs.list() {
            run.kill(Failure::new(Kind::Canceled, "the host is shutting down"));
        }
    }
}

/// What a builder makes a host from.
pub(crate) struct Parts {
    pub(crate) registry: Arc<Registry>,
    pub(crate) engine: Engine,
    pub(crate) guest: Arc<Guest>,
    pub(crate) extensions: Vec<Arc<Extension>>,
    /// Of entries that say nothing.
    pub(crate) limits: Limits,
    pub(crate) surroundings: Surroundings,
    pub(crate) registry_writable: bool,
    /// The application's.
    pub(crate) folders: Arc<Folders>,
    pub(crate) images: Option<Arc<dyn Images>>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) allowed: Allowed,
    pub(crate) strictness: Strictness,
    pub(crate) terminal: Option<Arc<Terminal>>,
    /// In all hosts together.
    pub(crate) max_processes: usize,
    pub(crate) components: Arc<Components>,
}

/// Why a typed call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The call failed.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// An argument or the result is not of the Rust type.
    #[error(transparent)]
    Type(#[from] TypeError),
}

impl Runtime {
    /// A host to be set up.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// What entries have recorded through module `metrics`, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        self.inner.modules.resources.host().shared.get::<modules::metrics::Metrics>().render()
    }

    /// Calls a function, a module's method, or a process to its end.
    ///
    /// # Errors
    ///
    /// What the entry raised or returned as its error; `NotFound` for a target that is not there; `Timeout`,
    /// `RateLimited`, `PermissionDenied` or `Internal` when its cell was ended, with `details.entry` and `details.limit`.
    pub async fn call(&self, target: &str, args: impl IntoIterator<Item = Value>) -> Result<Value, Failure> {
        self.call_with(Call::new(target).args(args)).await
    }

    /// [`Runtime::call`] with a context and a timeout.
    ///
    /// # Errors
    ///
    /// As [`Runtime::call`].
    pub async fn call_with(&self, call: Call) -> Result<Value, Failure> {
        let target = self.inner.find(&call.target)?;
        let args = call.encoded_args();
        let context = CallContext {
            values: Value::Map(call.context),
            authority: call.authority,
            chain: call.chain,
            ..CallContext::new(self.inner.modules.clone())
        };
        let run = functions::Run { target, args, context, timeout: call.timeout, is_alone: call.is_alone };
        decode(self.inner.run(run).await?)
    }

    /// [`Runtime::call`] with a tuple, list or single value as arguments and a Rust type as result.
    ///
    /// # Errors
    ///
    /// As [`Runtime::call`], and when a type does not fit.
    pub async fn call_typed<A: Serialize, R: DeserializeOwned>(
        &self,
        target: &str,
        args: A,
    ) -> Result<R, CallError> {
        let args = match to_value(&args)? {
            Value::Array(args) => args,
            Value::Nil => Vec::new(),
            single => vec![single],
        };
        Ok(from_value(self.call(target, args).await?)?)
    }

    /// Commands that the application defines: processes with `meta.command.name`.
    pub fn commands(&self) -> Vec<Command> {
        self.inner.commands()
    }

    /// Runs a command to its end. Its arguments are texts.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such command; else as [`Runtime::call`].
    pub async fn run_command(&self, name: &str, args: &[String]) -> Result<Value, Failure> {
        self.run_command_as(Authority::default(), name, args).await
    }

    /// [`Runtime::run_command`] on somebody's behalf.
    ///
    /// # Errors
    ///
    /// As [`Runtime::run_command`].
    pub async fn run_command_as(
        &self,
        authority: Authority,
        name: &str,
        args: &[String],
    ) -> Result<Value, Failure> {
        self.inner.run_command(authority, name, args, None).await
    }

    /// [`Runtime::run_command_as`], on this `terminal.host`. Without one it is the only one that the application has; where that
    /// has none, the command runs by itself.
    ///
    /// # Errors
    ///
    /// As [`Runtime::run_command`], `NotFound` when this is no terminal host, and `Invalid` when the application has several and
    /// none is named.
    pub async fn run_command_on(
        &self,
        host: Option<&str>,
        authority: Authority,
        name: &str,
        args: &[String],
    ) -> Result<Value, Failure> {
        self.inner.run_command(authority, name, args, host).await
    }

    /// An actor with the policies of these entries and of these groups, for [`Call::authority`].
    ///
    /// # Errors
    ///
    /// `NotFound` for a policy or a group that the application does not have.
    pub fn authority(&self, actor: Actor, policies: &[&str], groups: &[&str]) -> Result<Authority, Failure> {
        let index = self.inner.modules.policies.of(&self.inner.registry);
        let scope = index.scope(policies.iter().copied(), groups.iter().copied())?;
        Ok(Authority { actor: Some(Arc::new(actor)), scope: Some(scope) })
    }

    /// Makes the images and workers of pools that want them ahead of any call: static ones, and those with `warm_start`. An
    /// entry that fails to load is logged, and its calls fail with the same error.
    pub async fn warm(&self) {
        self.inner.pools.warm(&self.inner.registry).await;
    }

    /// The image of an entry, for [`RuntimeBuilder::images`](crate::RuntimeBuilder::images) of a later start. Equal entries give equal
    /// bytes.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such entry; what loading it failed with.
    pub async fn image(&self, id: &EntryId) -> Result<Vec<u8>, Failure> {
        let program = self.inner.pools.program(&self.inner.registry, id)?;
        let program =
            program.ok_or_else(|| Failure::invalid(format!("{id} is a component, which has no image")))?;
        let image = program.image().await?;
        Ok(program.fingerprint.lead(&image.to_bytes()))
    }

    /// Starts the services that start with the application (`lifecycle.auto_start`), such as HTTP servers, waits until the
    /// required ones run, and from now on keeps them running and in line with the registry.
    ///
    /// # Errors
    ///
    /// Why the first required service was given up. The others have been stopped.
    pub async fn start(&self) -> Result<(), Failure> {
        self.inner.services.start().await?;
        let resources = &self.inner.modules.resources;
        let mut changes = resources.changes();
        let watched = Arc::downgrade(resources);
        self.inner.registry.watch(move |_| watched.upgrade().map(|resources| resources.touch()).is_some());
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                let Some(inner) = inner.upgrade() else { return };
                inner.services.reconcile().await;
            }
        });
        Ok(())
    }

    /// Stops commands on terminal hosts, then the services, each after those that require it: they take nothing new and let what
    /// runs finish within their `stop_timeout`.
    pub async fn stop(&self) {
        self.inner.stop_commands().await;
        self.inner.services.stop().await;
    }

    /// How many processes wait for a message or an operation; with `hibernating`, those of them that gave their cells back.
    pub fn processes_at_rest(&self, hibernating: bool) -> u64 {
        let is_so = |run: &Run| match run.vitals.activity() {
            Activity::Hibernating => true,
            Activity::Waiting => !hibernating,
            Activity::Loading | Activity::Running => false,
        };
        self.inner.runs.list().iter().filter(|run| is_so(run)).count() as u64
    }

    /// Waits until a required service is given up while it runs, and gives its failure: the application cannot go on without it.
    pub async fn service_given_up(&self) -> Failure {
        self.inner.services.given_up().await
    }

    /// The ids of the services that run, or will as soon as they can, each after those that it requires.
    pub async fn services(&self) -> Vec<EntryId> {
        self.inner.services.running().await
    }

    /// The live thing of an entry that holds no Lua, such as a database or a server.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such entry, `Invalid` when it is something else, and why it cannot be opened.
    pub fn resource<T: Send + Sync + 'static>(&self, id: &str) -> Result<Arc<T>, Failure> {
        self.inner.modules.resources.get(id)
    }

    /// Waits until an entry asks the host to end (`system.exit`), and gives the code that it named: whoever runs the host decides
    /// what becomes of that. Once asked for, it stays so.
    pub async fn exit_requested(&self) -> i32 {
        let mut exit = self.inner.exit.subscribe();
        match exit.wait_for(Option::is_some).await {
            Ok(code) => code.unwrap_or_default(),
            // The sender is part of the host, which `self` keeps.
            Err(_) => std::future::pending().await,
        }
    }

    /// What the pools of entries that were called have seen, by entry.
    pub fn pools(&self) -> Vec<PoolStats> {
        self.inner.pools.stats()
    }

    /// The entries. A change reaches calls that begin after it.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }
}
