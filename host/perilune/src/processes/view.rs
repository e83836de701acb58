//! What an operator sees of processes, and does to them.

use super::seen::{
    Dead, HostInfo, Letters, MailboxInfo, Overview, ProcessDetails, ProcessInfo, ProcessKind, ServiceInfo,
};
use crate::Runtime;
use crate::runtime::Inner;
use perilune_cell::{Message, Pid};
use perilune_process::{Nature, ProcessHost, Run};
use perilune_registry::EntryId;
use perilune_resource::{ServiceState, Status};
use perilune_value::{Failure, Kind, Value, args_to_msgpack};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

impl Runtime {
    /// Services, hosts, processes and dead letters.
    pub fn overview(&self) -> Overview {
        let (runs, statuses) = (self.inner.runs.list(), self.inner.services.statuses());
        Overview {
            services: statuses.iter().map(|status| self.inner.service_info(status)).collect(),
            hosts: self.inner.host_infos(&runs, &statuses),
            processes: self.processes(),
            dead_letters: self.inner.letters(),
        }
    }

    /// All processes, calls and clients with a mailbox, in the order in which they began.
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.inner.runs.list().iter().map(|run| info(run)).collect()
    }

    /// A process with its relations. It is named by its pid, by a name that it has registered, by the number in its pid, or by the
    /// id of the service that keeps it running.
    ///
    /// # Errors
    ///
    /// `NotFound` when nothing of this name runs, and what its service is doing instead.
    pub fn inspect(&self, whom: &str) -> Result<ProcessDetails, Failure> {
        let (inner, run) = (&self.inner, self.inner.run_of(whom)?);
        let pids = |numbers: Vec<u64>| {
            let runs = numbers.into_iter().filter_map(|number| inner.runs.by_number(number));
            runs.map(|run| run.pid.to_string()).collect()
        };
        let is_child = |other: &Arc<Run>| other.parent.as_ref() == Some(&run.pid);
        let children = inner.runs.list().into_iter().filter(is_child);
        Ok(ProcessDetails {
            process: info(&run),
            service: inner.service_of(&run).map(|status| inner.service_info(&status)),
            parent_is_alive: run.parent.as_ref().is_some_and(|parent| inner.is_alive(parent)),
            children: children.map(|child| child.pid.to_string()).collect(),
            links: pids(run.links()),
            monitors: pids(run.watched()),
            monitored_by: pids(run.watchers()),
            traps_links: run.traps_links(),
        })
    }

    /// Sends a message to a process, named as for [`Runtime::inspect`]. Its sender is the empty text.
    ///
    /// # Errors
    ///
    /// `NotFound` when nothing of this name runs, `Invalid` for a topic that is empty or one of the host's, `RateLimited` when the
    /// mailbox is full.
    pub fn send(&self, whom: &str, topic: &str, values: &[Value]) -> Result<(), Failure> {
        if topic.is_empty() || topic.starts_with('@') {
            return Err(Failure::invalid("a topic is a text that is not empty and does not begin with `@`"));
        }
        let run = self.inner.run_of(whom)?;
        let message =
            Message { topic: topic.to_owned(), sender: String::new(), payloads: args_to_msgpack(values) };
        self.inner.runs.send(&run, message)
    }

    /// Ends a process without asking, named as for [`Runtime::inspect`].
    ///
    /// # Errors
    ///
    /// `NotFound` when nothing of this name runs, `Invalid` for what runs no Lua.
    pub fn terminate(&self, whom: &str) -> Result<(), Failure> {
        let run = self.inner.lua_of(whom)?;
        // One that has been ended by somebody else meanwhile is as it should be.
        run.kill(Failure::new(Kind::Canceled, "process terminated by the operator"));
        Ok(())
    }

    /// Asks a process to end by itself, named as for [`Runtime::inspect`].
    ///
    /// # Errors
    ///
    /// As [`Runtime::terminate`].
    pub fn cancel(&self, whom: &str, reason: Option<&str>) -> Result<(), Failure> {
        let run = self.inner.lua_of(whom)?;
        self.inner.runs.cancel(&run, "", reason)
    }
}

/// The kind of services whose details are a pid.
const SERVICE: &str = "process.service";

impl Inner {
    /// Who is named. Ids of services come first: a process may take any name.
    fn run_of(&self, whom: &str) -> Result<Arc<Run>, Failure> {
        let status = self.services.statuses().into_iter().find(|status| status.id.to_string() == whom);
        if let Some(status) = status.filter(|status| self.kind_of(&status.id) == SERVICE) {
            let pid = status.details.as_deref().filter(|_| status.state == ServiceState::Running);
            if let Some(run) = pid.and_then(|pid| self.runs.find(pid).ok()) {
                return Ok(run);
            }
            let why = status.details.map_or_else(String::new, |details| format!(": {details}"));
            let message = format!("the service {whom} is {}{why}", status.state.as_str());
            return Err(Failure::not_found(message));
        }
        self.runs.find(whom).or_else(|unknown| {
            let number = u64::from_str_radix(whom, 16).ok();
            number.and_then(|number| self.runs.by_number(number)).ok_or(unknown)
        })
    }

    /// The service that keeps a process running.
    fn service_of(&self, run: &Run) -> Option<Status> {
        let pid = run.pid.to_string();
        let is_its = |status: &Status| {
            status.state == ServiceState::Running && status.details.as_deref() == Some(&*pid)
        };
        self.services.statuses().into_iter().find(is_its)
    }

    fn lua_of(&self, whom: &str) -> Result<Arc<Run>, Failure> {
        let run = self.run_of(whom)?;
        match run.nature {
            Nature::Process | Nature::Call => Ok(run),
            Nature::Outside => {
                Err(Failure::invalid(format!("{} is a client of the host, not a process", run.pid)))
            }
        }
    }

    fn is_alive(&self, pid: &Pid) -> bool {
        self.runs.by_number(pid.number).is_some()
    }

    fn kind_of(&self, id: &EntryId) -> String {
        self.registry.snapshot().get(id).map(|entry| entry.kind().to_owned()).unwrap_or_default()
    }

    fn service_info(&self, status: &Status) -> ServiceInfo {
        let started = status.started.filter(|_| status.state == ServiceState::Running);
        ServiceInfo {
            id: status.id.to_string(),
            kind: self.kind_of(&status.id),
            state: status.state.as_str().to_owned(),
            uptime_ms: started.map(since),
            failures: status.failures,
            restarts: status.restarts,
            next_ms: status
                .next
                .map(|next| milliseconds(next.duration_since(SystemTime::now()).unwrap_or_default())),
            details: status.details.clone(),
        }
    }

    pub(crate) fn host_infos(&self, runs: &[Arc<Run>], statuses: &[Status]) -> Vec<HostInfo> {
        let used = runs.iter().filter(|run| run.nature == Nature::Process);
        let used = used.filter_map(|run| EntryId::parse(&run.pid.host).ok());
        let started = statuses.iter().filter(|status| status.state == ServiceState::Running);
        let ids: BTreeSet<EntryId> = used.chain(started.map(|status| status.id.clone())).collect();
        // What is no process host is of another type.
        let hosts = ids
            .iter()
            .filter_map(|id| Some((id, self.modules.resources.get::<ProcessHost>(&id.to_string()).ok()?)));
        let info = |(id, host): (&EntryId, Arc<ProcessHost>)| HostInfo {
            id: id.to_string(),
            kind: self.kind_of(id),
            processes: host.processes(),
            max_processes: host.settings().max_processes,
            memory: host.memory(),
            max_memory: host.max_memory(),
        };
        hosts.map(info).collect()
    }

    fn letters(&self) -> Letters {
        let (total, last) = self.runs.dead_letters();
        let dead = last.into_iter().map(|letter| Dead {
            age_ms: since(letter.at),
            to: letter.to,
            from: letter.from,
            topic: letter.topic,
            bytes: letter.bytes,
        });
        Letters { total, last: dead.collect() }
    }
}

fn info(run: &Run) -> ProcessInfo {
    let (kind, state, memory) = match run.nature {
        Nature::Process => (ProcessKind::Process, run.vitals.activity().as_str(), Some(run.vitals.memory())),
        Nature::Call => (ProcessKind::Call, "running", None),
        Nature::Outside => (ProcessKind::Client, "waiting", None),
    };
    let (messages, bytes) = run.waiting_messages();
    let (max_messages, max_bytes) = run.mailbox_size();
    ProcessInfo {
        pid: run.pid.to_string(),
        kind,
        host: run.pid.host.to_string(),
        entry: run.entry().to_string(),
        state: state.to_owned(),
        parent: run.parent.as_ref().map(ToString::to_string),
        names: run.names().iter().map(ToString::to_string).collect(),
        actor: run.actor.as_ref().map(|actor| actor.id.clone()),
        uptime_ms: milliseconds(run.began.elapsed()),
        memory: memory.filter(|bytes| *bytes > 0),
        turns: run.vitals.turns(),
        received: run.vitals.received(),
        mailbox: MailboxInfo { messages, bytes, max_messages, max_bytes },
    }
}

/// A clock that was set back meanwhile counts as no time.
fn since(moment: SystemTime) -> u64 {
    milliseconds(moment.elapsed().unwrap_or_default())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
