//! What an operator sees of processes, as data that can leave the host. Times are in milliseconds, sizes in bytes.

use serde::{Deserialize, Serialize};

/// All that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// Services that were started or tried to be, by id.
    pub services: Vec<ServiceInfo>,
    /// Process hosts that have been started or run something, by id.
    pub hosts: Vec<HostInfo>,
    /// All runs, in the order in which they began.
    pub processes: Vec<ProcessInfo>,
    /// Messages that nobody will read.
    pub dead_letters: Letters,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Its entry.
    pub id: String,
    /// The kind of its entry; empty when that is gone.
    pub kind: String,
    /// Such as `running` or `failed`.
    pub state: String,
    /// Since it was last ready; nothing when it does not run.
    pub uptime_ms: Option<u64>,
    /// How often in a row it has failed.
    pub failures: u32,
    /// How often it has been started again since its entry is as it is.
    #[serde(default)]
    pub restarts: u32,
    /// Until it starts again, while it waits for that.
    pub next_ms: Option<u64>,
    /// Why it failed, or where it can be reached.
    pub details: Option<String>,
}

/// A process host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostInfo {
    /// Its entry.
    pub id: String,
    /// The kind of its entry.
    pub kind: String,
    /// Processes that run on it.
    pub processes: usize,
    /// How many may.
    pub max_processes: usize,
    /// Memory of its processes.
    pub memory: usize,
    /// How much they may take together, where there is a limit.
    pub max_memory: Option<usize>,
}

/// What a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessKind {
    /// A process on a process host.
    Process,
    /// The call of a function or a command.
    Call,
    /// Something with a mailbox that runs no Lua, such as the connection of a client.
    Client,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Its name among all runs.
    pub pid: String,
    /// What it is.
    pub kind: ProcessKind,
    /// What runs it.
    pub host: String,
    /// Whose code it runs.
    pub entry: String,
    /// `loading`, `running` or `waiting`.
    pub state: String,
    /// Who started it; that one may have ended.
    pub parent: Option<String>,
    /// Names that it has registered.
    pub names: Vec<String>,
    /// On whose behalf it acts.
    pub actor: Option<String>,
    /// Since it began.
    pub uptime_ms: u64,
    /// Memory after its last turn; nothing for what is no process, and before its first turn is over.
    pub memory: Option<usize>,
    /// Turns that it has had.
    pub turns: u64,
    /// Messages that its mailbox has taken since it began.
    pub received: u64,
    /// What waits to be read.
    pub mailbox: MailboxInfo,
}

/// A mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxInfo {
    /// Messages that wait.
    pub messages: usize,
    /// Their size.
    pub bytes: usize,
    /// How many messages may wait.
    pub max_messages: usize,
    /// How large they may be together.
    pub max_bytes: usize,
}

/// A run with its relations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessDetails {
    /// What a list of runs shows of it.
    #[serde(flatten)]
    pub process: ProcessInfo,
    /// The service that keeps it running.
    pub service: Option<ServiceInfo>,
    /// Whether the one who started it still runs.
    pub parent_is_alive: bool,
    /// Pids of those that it has started and that run.
    pub children: Vec<String>,
    /// Pids of those that fail with it.
    pub links: Vec<String>,
    /// Pids of those whose end it learns of.
    pub monitors: Vec<String>,
    /// Pids of those that learn of its end.
    pub monitored_by: Vec<String>,
    /// Whether failures of those linked with it are events instead of its end.
    pub traps_links: bool,
}

/// Messages that nobody will read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letters {
    /// How many there have been.
    pub total: u64,
    /// The last ones, the oldest first.
    pub last: Vec<Dead>,
}

/// A message that nobody will read, since its receiver has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dead {
    /// Since its receiver ended.
    pub age_ms: u64,
    /// The pid of its receiver.
    pub to: String,
    /// The pid of its sender; empty for the host and its operator.
    pub from: String,
    /// What it was about.
    pub topic: String,
    /// Its size.
    pub bytes: usize,
}
