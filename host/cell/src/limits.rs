//! What a cell may use up, and how it ends when it does.

use perilune_value::{Failure, Kind};
use std::time::Duration;

/// What one cell may use. Reaching a limit ends that cell and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, everything of the cell's included.
    pub memory: u64,
    /// CPU time of one turn.
    pub cpu: Duration,
    /// Wall-clock time from start to result; `None` for processes, which may live for ever.
    pub timeout: Option<Duration>,
}

impl Limits {
    /// What holds when an entry says nothing: 64 MiB, 1 s of CPU a turn, 30 s in all.
    ///
    /// An idle cell takes 0.3 MiB, so the default leaves room for real data without letting one tenant fill the host. A
    /// turn of more than a second is a loop more often than work.
    pub const DEFAULT: Limits =
        Limits { memory: 64 << 20, cpu: Duration::from_secs(1), timeout: Some(Duration::from_secs(30)) };

    /// What no entry may exceed unless the host raises it: 1 GiB, 60 s of CPU a turn, one hour in all.
    pub const CEILING: Limits =
        Limits { memory: 1 << 30, cpu: Duration::from_secs(60), timeout: Some(Duration::from_secs(3600)) };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Which limit a cell reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::memory`], in bytes.
    Memory(u64),
    /// [`Limits::cpu`].
    Cpu(Duration),
    /// [`Limits::cpu`], counted in instructions.
    Instructions(Duration),
    /// [`Limits::timeout`].
    Timeout(Duration),
    /// The stack of nested calls in C.
    Stack,
    /// Operations under way at the same time.
    Tickets(usize),
}

/// Why a cell ended against its will. It is not an error value for Lua: the cell is gone, only its caller learns of it.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum Death {
    /// A limit was reached.
    #[error("{}", limit_text(*.0))]
    Limit(Limit),
    /// The guest called an interface that its entry does not list.
    #[error(
        "called `{interface}.{function}` without being granted it: list the module in the entry's `modules`"
    )]
    NotGranted {
        /// The interface without package and version, such as `hash`.
        interface: String,
        /// The function as WIT names it.
        function: String,
    },
    /// Code of the host panicked inside an import.
    #[error("the host failed inside an import: {0}")]
    Panic(String),
    /// Somebody ended it.
    #[error("{}", .0.message)]
    Killed(Failure),
    /// Anything else that ended the guest: a trap, a broken contract.
    #[error("the sandbox trapped: {0}")]
    Trap(String),
}

fn limit_text(limit: Limit) -> String {
    match limit {
        Limit::Memory(bytes) => format!("used more memory than `limits.memory` allows ({} MiB)", bytes >> 20),
        Limit::Cpu(time) => format!("one turn used more CPU time than `limits.cpu` allows ({time:?})"),
        Limit::Instructions(time) => format!(
            "one turn executed more instructions than `limits.cpu` allows ({time:?}, which count as {})",
            crate::cpu::instructions(time)
        ),
        Limit::Timeout(time) => format!("took longer than `limits.timeout` allows ({time:?})"),
        Limit::Stack => "nested calls deeper than the sandbox's stack".to_owned(),
        Limit::Tickets(most) => format!("started more than {most} operations at the same time"),
    }
}

impl Death {
    /// The failure that the caller of entry `id` gets. Its details hold `entry` and, where one was reached, `limit`.
    pub fn into_failure(self, id: &str) -> Failure {
        if let Death::Killed(reason) = self {
            return reason;
        }
        let (kind, limit) = match &self {
            Death::Limit(Limit::Memory(_)) => (Kind::RateLimited, Some("memory")),
            Death::Limit(Limit::Cpu(_) | Limit::Instructions(_)) => (Kind::Timeout, Some("cpu")),
            Death::Limit(Limit::Timeout(_)) => (Kind::Timeout, Some("timeout")),
            Death::Limit(Limit::Stack) => (Kind::Internal, Some("stack")),
            Death::Limit(Limit::Tickets(_)) => (Kind::RateLimited, Some("tickets")),
            Death::NotGranted { .. } => (Kind::PermissionDenied, None),
            Death::Panic(_) | Death::Trap(_) | Death::Killed(_) => (Kind::Internal, None),
        };
        let failure = Failure::new(kind, format!("{id}: {self}")).with_detail("entry", id);
        match limit {
            Some(limit) => failure.with_detail("limit", limit),
            None => failure,
        }
    }
}
