//! Kinds `process.host` and `terminal.host`: where processes run, and how many.
//!
//! What runs on a host is kept beside its entry: a host whose settings change goes on with its processes.

use crate::total::{Counted, Total};
use crate::{Nature, Table};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_registry::{EntryId, Field, Fields, KindSpec, Type};
use perilune_resource::{LIFECYCLE, Opened, Opening, ResourceKind, Service, kind};
use perilune_value::{Failure, Kind};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Every kind of host.
pub const KINDS: &[ResourceKind] = &[
    ResourceKind {
        spec: KindSpec {
            name: "process.host",
            doc: "Where processes run",
            fields: Fields::Known(&[
                HOST,
                MAX_PROCESSES,
                MAX_MEMORY,
                HIBERNATE,
                HIBERNATE_AFTER,
                MAILBOX,
                LIFECYCLE,
            ]),
            placeholders: true,
            ..KindSpec::EMPTY
        },
        open: |opening| open(opening, false),
    },
    ResourceKind {
        spec: KindSpec {
            name: "terminal.host",
            doc: "Where one process runs at a time, with the terminal of `perilune run COMMAND` (module `io`)",
            fields: Fields::Known(&[HIDE_LOGS, LIFECYCLE]),
            placeholders: true,
            ..KindSpec::EMPTY
        },
        open: |opening| open(opening, true),
    },
];

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

const HOST: Field = Field {
    name: "host",
    ty: Type::Object(&[
        Field {
            name: "workers",
            ty: Type::Integer { min: 1, max: 1024 },
            default: "one per core",
            doc: "processes that compute at the same time",
            ..FIELD
        },
        Field {
            name: "queue_size",
            ty: Type::Integer { min: 1, max: 1_000_000 },
            default: "1024",
            doc: "accepted for compatibility: what is ready to run is not bounded by a queue but by `max_processes`",
            ..FIELD
        },
        Field {
            name: "local_queue_size",
            ty: Type::Integer { min: 1, max: 1_000_000 },
            default: "256",
            doc: "accepted for compatibility",
            ..FIELD
        },
    ]),
    doc: "how they share the machine",
    ..FIELD
};
const MAX_PROCESSES: Field = Field {
    name: "max_processes",
    ty: Type::Integer { min: 1, max: 10_000_000 },
    default: "100000",
    doc: "processes at the same time; starting one more is refused",
    ..FIELD
};
const MAX_MEMORY: Field = Field {
    name: "max_memory",
    ty: Type::Bytes { min: 1 << 20, max: 1 << 50 },
    default: "no limit",
    doc: "memory of all its processes; beyond it, starting one is refused, and one that grows is ended",
    ..FIELD
};
const HIBERNATE: Field = Field {
    name: "hibernate",
    ty: Type::Bool,
    default: "true",
    doc: "let processes that wait for messages give their instance back",
    ..FIELD
};
const HIBERNATE_AFTER: Field = Field {
    name: "hibernate_after",
    ty: Type::Duration { max: Duration::from_secs(365 * 24 * 3600) },
    default: "30s",
    doc: "how long a process waits for messages before it gives its instance back and keeps a compressed image",
    ..FIELD
};
const MAILBOX: Field = Field {
    name: "mailbox",
    ty: Type::Object(&[
        Field {
            name: "messages",
            ty: Type::Integer { min: 1, max: 1_000_000 },
            default: "1024",
            doc: "unread messages that a process may have",
            ..FIELD
        },
        Field {
            name: "bytes",
            ty: Type::Bytes { min: 1024, max: 1 << 30 },
            default: "16MiB",
            doc: "bytes of them",
            ..FIELD
        },
    ]),
    doc: "what a mailbox holds; a sender beyond it gets an error",
    ..FIELD
};
const HIDE_LOGS: Field = Field {
    name: "hide_logs",
    ty: Type::Bool,
    default: "false",
    doc: "show no log records while its process has the terminal, unless `RUST_LOG` chooses some",
    ..FIELD
};

/// What an entry says about its processes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    host: Workers,
    /// Processes at the same time.
    pub max_processes: usize,
    #[serde(deserialize_with = "kind::bytes")]
    max_memory: usize,
    hibernate: bool,
    #[serde(deserialize_with = "kind::duration")]
    hibernate_after: Duration,
    /// What a mailbox holds.
    pub mailbox: MailboxSize,
    /// Whether no log records are to be shown while its process has the terminal.
    pub hide_logs: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Workers {
    workers: Option<usize>,
}

/// What a mailbox holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct MailboxSize {
    /// Messages.
    pub messages: usize,
    /// Bytes of them.
    #[serde(deserialize_with = "kind::bytes")]
    pub bytes: usize,
}

impl Default for MailboxSize {
    fn default() -> Self {
        MailboxSize { messages: Table::MESSAGES, bytes: Table::BYTES }
    }
}

/// Long enough that a process with a steady trickle of messages stays, short enough that the memory of thousands that wait for
/// their users is free within a minute.
const HIBERNATE_AFTER_DEFAULT: Duration = Duration::from_secs(30);

impl Default for Settings {
    fn default() -> Self {
        Settings {
            host: Workers::default(),
            max_processes: 100_000,
            max_memory: usize::MAX,
            hibernate: true,
            hibernate_after: HIBERNATE_AFTER_DEFAULT,
            mailbox: MailboxSize::default(),
            hide_logs: false,
        }
    }
}

impl Settings {
    /// How long a process waits before it hibernates.
    pub fn hibernate_after(&self) -> Option<Duration> {
        self.hibernate.then_some(self.hibernate_after)
    }
}

fn open(opening: &Opening<'_>, is_terminal: bool) -> Result<Opened, Failure> {
    let mut settings: Settings = opening.config()?;
    if is_terminal {
        settings.max_processes = 1;
        settings.hibernate = false;
    }
    let live = opening.shared().get::<Hosts>().live(opening.id());
    let generation = live.generation.fetch_add(1, Ordering::Relaxed) + 1;
    let workers = settings.host.workers.map(|workers| Arc::new(tokio::sync::Semaphore::new(workers)));
    Ok(Opened::service(Arc::new(ProcessHost {
        id: opening.id().to_string().into(),
        settings,
        is_terminal,
        workers,
        live,
        generation,
        total: opening.shared().get::<Total>(),
        table: opening.shared().get::<Arc<Table>>().as_ref().clone(),
    })))
}

/// What runs on each host, by its entry.
#[derive(Default)]
struct Hosts(Mutex<HashMap<EntryId, Arc<Live>>>);

impl Hosts {
    fn live(&self, id: &EntryId) -> Arc<Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }
}

/// What runs on a host, whatever its settings.
#[derive(Default)]
struct Live {
    generation: AtomicU64,
    is_stopping: AtomicBool,
    processes: AtomicUsize,
    memory: AtomicUsize,
    left: Notify,
}

/// Where processes run.
pub struct ProcessHost {
    id: Arc<str>,
    settings: Settings,
    is_terminal: bool,
    workers: Option<Arc<tokio::sync::Semaphore>>,
    live: Arc<Live>,
    generation: u64,
    /// Those of all hosts.
    total: Arc<Total>,
    table: Arc<Table>,
}

impl ProcessHost {
    /// The id of its entry.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What its entry says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether it runs one process at a time, as `terminal.host` does.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Processes that run here.
    pub fn processes(&self) -> usize {
        self.live.processes.load(Ordering::Relaxed)
    }

    /// Bytes that they take.
    pub fn memory(&self) -> usize {
        self.live.memory.load(Ordering::Relaxed)
    }

    /// Bytes that they may take together, where there is a limit.
    pub fn max_memory(&self) -> Option<usize> {
        Some(self.settings.max_memory).filter(|bytes| *bytes != usize::MAX)
    }

    /// Takes a place for a process.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the host is stopping, `RateLimited` when it is full.
    pub fn enter(&self) -> Result<Place, Failure> {
        let id = &self.id;
        if self.live.is_stopping.load(Ordering::Relaxed) {
            return Err(Failure::new(Kind::Unavailable, format!("the host {id} has been stopped")));
        }
        let full = |limit: &str, what: String| {
            Failure::new(Kind::RateLimited, format!("the host {id} is full: {what}"))
                .with_retryable(true)
                .with_detail("limit", limit)
        };
        let Some(counted) = self.total.enter() else {
            let most = self.total.most();
            let message =
                format!("the application runs {most} processes, which is the host's `processes.max`");
            let failure = Failure::new(Kind::RateLimited, message).with_retryable(true);
            return Err(failure.with_detail("limit", "processes.max"));
        };
        let most = self.settings.max_processes;
        let add = |count: usize| (count < most).then_some(count + 1);
        if self.live.processes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_err() {
            return Err(full(
                "max_processes",
                format!("it runs {most} processes, which is its `max_processes`"),
            ));
        }
        let place = Place { live: self.live.clone(), bytes: 0, _counted: counted };
        if self.memory() >= self.settings.max_memory {
            let most = self.settings.max_memory >> 20;
            return Err(full(
                "max_memory",
                format!("its processes take {most} MiB, which is its `max_memory`"),
            ));
        }
        Ok(place)
    }

    /// Whether its processes take more than they may together.
    pub fn is_over(&self) -> bool {
        self.memory() > self.settings.max_memory
    }

    /// Waits for one of its workers.
    pub async fn worker(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.workers.as_ref()?.clone().acquire_owned().await.ok()
    }

    fn is_outdated(&self) -> bool {
        self.live.generation.load(Ordering::Relaxed) != self.generation
    }
}

impl Service for ProcessHost {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        self.live.is_stopping.store(false, Ordering::Relaxed);
        async { Ok(()) }.boxed()
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        if self.is_outdated() {
            return async {}.boxed();
        }
        self.live.is_stopping.store(true, Ordering::Relaxed);
        let end = EndOnDrop { table: self.table.clone(), host: self.id.clone() };
        let live = self.live.clone();
        async move {
            end.each(|run| drop(end.table.cancel(run, "", Some("the host is stopping"))));
            loop {
                let left = live.left.notified();
                if live.processes.load(Ordering::Relaxed) == 0 {
                    return;
                }
                left.await;
            }
        }
        .boxed()
    }
}

/// Ends the processes of a host that have not ended by themselves.
struct EndOnDrop {
    table: Arc<Table>,
    host: Arc<str>,
}

impl EndOnDrop {
    fn each(&self, act: impl Fn(&crate::Run)) {
        for run in self.table.list() {
            if run.nature == Nature::Process && run.pid.host == self.host {
                act(&run);
            }
        }
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.each(|run| {
            run.kill(Failure::new(Kind::Canceled, "process terminated: its host has stopped"));
        });
    }
}

/// The place of a process on its host; it is free again when this is dropped.
pub struct Place {
    live: Arc<Live>,
    bytes: usize,
    _counted: Counted,
}

impl Place {
    /// Says how much memory the process takes now. True when that is more than before.
    pub fn takes(&mut self, bytes: usize) -> bool {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes >= before {
            self.live.memory.fetch_add(bytes - before, Ordering::Relaxed);
        } else {
            self.live.memory.fetch_sub(before - bytes, Ordering::Relaxed);
        }
        bytes > before
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.live.memory.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.live.processes.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.live.left.notify_waiters();
        }
    }
}
