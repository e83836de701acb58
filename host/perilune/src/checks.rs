//! What the registry cannot check itself: Lua's syntax, and the host's ceilings.

use crate::components::{Components, FUNCTION_WASM, PROCESS_WASM};
use crate::surroundings::{Log, Surroundings};
use futures_util::task::{ArcWake, waker};
use perilune_cell::{CellSpec, Coverage, Death, EngineError, Guest, Identity, Limits, Pid, Template};
use perilune_network::Pattern;
use perilune_registry::{Code, ComponentEntry, Entry, FieldPath, LimitSpec, LuaEntry, Problem};
use perilune_value::{Failure, Value};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, Thread};
use std::time::Duration;

/// A source is not Lua.
const SYNTAX: Code = Code::new("E401");
/// An entry asks for more than the host allows.
const CEILING: Code = Code::new("E402");
/// An item of an entry's `network.allow` names no hosts.
const HOSTS: Code = Code::new("E403");

/// Parsing is bounded in itself; the budget is for sources made to be slow.
const LIMITS: Limits = Limits { memory: 256 << 20, cpu: Duration::from_secs(5), timeout: None };

/// Checks entries by the guest's own parser, in a cell: sources are not trusted before they run either.
pub(crate) struct Checker {
    template: Arc<Template>,
    surroundings: Arc<Surroundings>,
    ceiling: Limits,
    components: Arc<Components>,
}

impl Checker {
    pub(crate) fn new(
        guest: &Guest,
        ceiling: Limits,
        coverage: Option<Arc<Coverage>>,
        components: Arc<Components>,
    ) -> Result<Self, EngineError> {
        // Entries that nothing runs are known to coverage from their check.
        let surroundings = Surroundings { output: Arc::new(Log), coverage };
        Ok(Checker {
            template: guest.template([])?,
            surroundings: Arc::new(surroundings),
            ceiling,
            components,
        })
    }

    pub(crate) fn check(&self, entry: &Entry) -> Vec<Problem> {
        if matches!(entry.kind(), FUNCTION_WASM | PROCESS_WASM) {
            return self.component(entry);
        }
        let decoded = LuaEntry::decode(entry).ok();
        let mut problems = decoded.as_ref().map_or_else(Vec::new, |lua| self.ceilings(entry, &lua.limits));
        problems.extend(hosts(entry, decoded.and_then(|lua| lua.network).unwrap_or_default()));
        // Other fields may be wrong as well; that is no reason to keep quiet about the source.
        if let Some(source) = entry.data().get("source").and_then(Value::as_str)
            && entry.kind().ends_with(".lua")
        {
            problems.extend(self.syntax(entry, source));
        }
        problems
    }

    fn component(&self, entry: &Entry) -> Vec<Problem> {
        // What is wrong with its fields is told with them.
        let Ok(component) = ComponentEntry::decode(entry) else { return Vec::new() };
        let mut problems = self.ceilings(entry, &component.limits);
        problems.extend(hosts(entry, component.network.clone().unwrap_or_default()));
        problems.extend(self.components.check(entry, &component));
        problems
    }

    fn ceilings(&self, entry: &Entry, limits: &LimitSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut exceeded = |field: &str, asked: String, most: String| {
            let message = format!("the entry asks for {asked}, and this host allows {most} at most");
            problems.push(
                Problem::in_field(entry, field, CEILING, message)
                    .help("lower it, or raise the host's ceiling"),
            );
        };
        let Limits { memory, cpu, timeout } = self.ceiling;
        if let Some(asked) = limits.memory.filter(|asked| *asked > memory) {
            exceeded("limits.memory", mebibytes(asked), mebibytes(memory));
        }
        if let Some(asked) = limits.cpu.filter(|asked| *asked > cpu) {
            exceeded("limits.cpu", format!("{asked:?}"), format!("{cpu:?}"));
        }
        if let (Some(asked), Some(most)) = (limits.timeout, timeout)
            && asked > most
        {
            exceeded("limits.timeout", format!("{asked:?}"), format!("{most:?}"));
        }
        problems
    }

    fn syntax(&self, entry: &Entry, source: &str) -> Option<Problem> {
        let failure = wait(self.parse(entry, source)).err()?;
        let detail = |name| failure.details.as_ref().and_then(|details| details.get(name));
        let Some(line) = detail("line").and_then(Value::as_integer) else {
            return Some(Problem::in_field(entry, "source", SYNTAX, failure.message));
        };
        let text = detail("text").and_then(Value::as_str).unwrap_or(&failure.message);
        let near = detail("near").and_then(Value::as_str).map(|near| near.trim_matches('\''));
        // Labels are missed at the end of a function; the message says where the goto stands, and quotes the label.
        let (line, near) = match text.rsplit_once(" at line ").map(|(_, line)| line.parse()) {
            Some(Ok(line)) => (line, text.split('\'').nth(1)),
            _ => (line, near),
        };
        let line = usize::try_from(line).unwrap_or(1);
        Some(Problem::in_source(entry, "source", line, near, SYNTAX, format!("Lua syntax: {text}")))
    }

    async fn parse(&self, entry: &Entry, source: &str) -> Result<(), Failure> {
        let id = entry.id().to_string();
        let spec = CellSpec {
            identity: Identity { entry: id.as_str().into(), pid: Pid::numbered("checks".into(), 0) },
            limits: LIMITS,
            host: self.surroundings.clone(),
            context: Arc::new(()),
            extensions: Arc::new([]),
        };
        let mut cell = self.template.instantiate(spec).await?;
        cell.check(&id, source.as_bytes()).await.unwrap_or_else(|death: Death| Err(death.into_failure(&id)))
    }
}

/// Items of `network.allow` that name no hosts.
fn hosts(entry: &Entry, items: Vec<String>) -> Vec<Problem> {
    let problem = |(at, item): (usize, &String)| {
        let error = item.parse::<Pattern>().err()?;
        let path = FieldPath::from("network").key("allow").item(at);
        Some(Problem::in_field(entry, path, HOSTS, error.to_string()))
    };
    items.iter().enumerate().filter_map(problem).collect()
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// Runs a future to its end. Checks are part of loading and of changes, which are not async.
///
/// It takes a thread of its own: a long turn yields to the async runtime of its thread, which would wait for this one.
pub(crate) fn wait<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| scope.spawn(|| block_on(future)).join())
        .unwrap_or_else(|panic| resume_unwind(panic))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl ArcWake for Unpark {
        fn wake_by_ref(unpark: &Arc<Self>) {
            unpark.0.unpark();
        }
    }
    let waker = waker(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
