//! An application of things and services that tell what happens to them.

use futures_util::future::BoxFuture;
use perilune_registry::{
    Applied, Baseline, Entry, EntryId, Field, Fields, KindSpec, Kinds, Operation, Registry, Report, Rules,
    Type, parse_duration,
};
use perilune_resource::{
    Allowed, Ended, Host, Invocation, Invoke, KINDS, LIFECYCLE, Opened, Opening, ResourceKind, Resources,
    Service, Services, Shared, Stamp,
};
use perilune_value::{Failure, Kind, Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

/// What a `test.thing` was opened as.
pub(crate) struct Thing {
    pub(crate) data: Value,
    pub(crate) needs: Vec<Arc<Thing>>,
}

/// How many things were opened.
#[derive(Default)]
pub(crate) struct Opens(pub(crate) AtomicUsize);

/// What happened, in order.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

impl Log {
    fn note(&self, what: String) {
        self.0.lock().expect("no test panics here").push(what);
    }

    /// What happened since it was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no test panics here"))
    }
}

/// Values of `${env:NAME}`.
#[derive(Default)]
pub(crate) struct Values(pub(crate) Mutex<HashMap<String, (String, Stamp)>>);

impl Values {
    pub(crate) fn set(&self, name: &str, value: &str) {
        let mut values = self.0.lock().expect("no test panics here");
        let (held, stamp) = values.entry(name.to_owned()).or_default();
        *held = value.to_owned();
        stamp.changed();
    }
}

fn variables(opening: &Opening<'_>, name: &str) -> Result<Option<String>, Failure> {
    let values = opening.shared().get::<Values>();
    let values = values.0.lock().expect("no test panics here");
    let Some((value, stamp)) = values.get(name) else { return Ok(None) };
    opening.depends_on_value(stamp);
    Ok(Some(value.clone()))
}

const THING: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "test.thing",
        fields: Fields::Known(&[
            Field { name: "text", ty: Type::String, ..FIELD },
            Field { name: "number", ty: Type::Integer { min: 0, max: 10 }, ..FIELD },
            Field { name: "ratio", ty: Type::Number { min: 0.0, max: 1.0 }, ..FIELD },
            Field { name: "flag", ty: Type::Bool, ..FIELD },
            Field { name: "list", ty: Type::Strings, ..FIELD },
            Field { name: "any", ty: Type::Any, ..FIELD },
            Field { name: "needs", ty: Type::Entries(&[]), ..FIELD },
            Field { name: "panics", ty: Type::Bool, ..FIELD },
        ]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open: |opening| {
        opening.shared().get::<Opens>().0.fetch_add(1, Ordering::SeqCst);
        assert!(opening.data().get("panics").is_none(), "the thing broke");
        let needs = match opening.data().get("needs") {
            Some(Value::Array(ids)) => {
                ids.iter().filter_map(Value::as_str).map(|id| opening.resource(id)).collect()
            }
            _ => Ok(Vec::new()),
        };
        Ok(Opened::resource(Arc::new(Thing { data: opening.data().clone(), needs: needs? })))
    },
};

/// Where placeholders mean nothing.
const PLAIN: ResourceKind = ResourceKind {
    spec: KindSpec { name: "test.plain", placeholders: false, ..THING.spec },
    open: THING.open,
};

/// A service that notes what it is told, and behaves as its entry says: each field is a list of words, one for each time, of
/// which the last one holds from then on.
struct Told {
    id: String,
    start: Vec<String>,
    /// `on`, `exit 5s`, `fail 5s`, `until told` to fail, or `panic`.
    run: Vec<String>,
    stop: Vec<String>,
    terminate: String,
    drop: String,
    log: Arc<Log>,
    starts: AtomicUsize,
    told: Arc<Notify>,
}

/// What makes services fail, by name.
#[derive(Default)]
pub(crate) struct Failing(Mutex<HashMap<String, Arc<Notify>>>);

impl Failing {
    pub(crate) fn of(&self, name: &str) -> Arc<Notify> {
        self.0.lock().expect("no test panics here").entry(name.to_owned()).or_default().clone()
    }
}

impl Told {
    fn how<'a>(&self, words: &'a [String]) -> &'a str {
        let starts = self.starts.load(Ordering::SeqCst).max(1);
        words.get(starts - 1).or(words.last()).map_or("", String::as_str)
    }

    fn behave(&self, what: &'static str, how: &str) -> BoxFuture<'static, Result<(), Failure>> {
        let note = format!("{what} {}", self.id);
        self.log.note(note.clone());
        let how = how.to_owned();
        assert!(how != "panic at once", "{note} broke at once");
        Box::pin(async move {
            match how.as_str() {
                "fail" => Err(Failure::internal(format!("{note} failed"))),
                "not found" => Err(Failure::not_found(format!("{note} found nothing"))),
                "taken" => Err(Failure::new(Kind::AlreadyExists, format!("{note} found it taken"))),
                "panic" => panic!("{note} broke"),
                "hang" => std::future::pending().await,
                "slow" => {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    Ok(())
                }
                _ => Ok(()),
            }
        })
    }
}

impl Service for Told {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        self.starts.fetch_add(1, Ordering::SeqCst);
        self.behave("start", self.how(&self.start))
    }

    fn ended(&self) -> BoxFuture<'static, Ended> {
        let how = self.how(&self.run).to_owned();
        let (id, told) = (self.id.clone(), self.told.clone());
        Box::pin(async move {
            assert!(how != "panic", "ended {id} broke");
            if how == "until told" {
                told.notified().await;
                return Ended::Failed(Failure::internal(format!("{id} failed")));
            }
            let Some((how, after)) = how.split_once(' ') else { return std::future::pending().await };
            tokio::time::sleep(parse_duration(after).expect("a duration")).await;
            match how {
                "exit" => Ended::Exited,
                _ => Ended::Failed(Failure::internal(format!("{id} failed"))),
            }
        })
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        let stopping = self.behave("stop", self.how(&self.stop));
        let (log, id) = (self.log.clone(), self.id.clone());
        Box::pin(async move {
            if stopping.await.is_ok() {
                log.note(format!("stopped {id}"));
            }
        })
    }

    fn terminate(&self) -> BoxFuture<'static, ()> {
        self.log.note(format!("terminate {}", self.id));
        let how = self.terminate.clone();
        Box::pin(async move {
            assert!(how != "panic", "its end broke");
            if how == "hang" {
                std::future::pending().await
            }
        })
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        assert!(self.drop != "panic", "its last moment broke");
    }
}

const SERVICE: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "test.service",
        fields: Fields::Known(&[
            Field { name: "on_start", ty: Type::String, ..FIELD },
            Field { name: "on_run", ty: Type::String, ..FIELD },
            Field { name: "on_stop", ty: Type::String, ..FIELD },
            Field { name: "on_terminate", ty: Type::String, ..FIELD },
            Field { name: "on_drop", ty: Type::String, ..FIELD },
            Field { name: "uses", ty: Type::Entries(&[]), ..FIELD },
            Field { name: "text", ty: Type::String, ..FIELD },
            LIFECYCLE,
        ]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open: |opening| {
        let words = |field: &str| -> Vec<String> {
            let text = opening.data().get(field).and_then(Value::as_str).unwrap_or_default();
            text.split(", ").map(str::to_owned).collect()
        };
        if words("on_start") == ["not open"] {
            return Err(Failure::invalid("it cannot be opened"));
        }
        Ok(Opened::service(Arc::new(Told {
            id: opening.id().name().to_owned(),
            start: words("on_start"),
            run: words("on_run"),
            stop: words("on_stop"),
            terminate: words("on_terminate").join(", "),
            drop: words("on_drop").join(", "),
            log: opening.shared().get::<Log>(),
            starts: AtomicUsize::new(0),
            told: opening.shared().get::<Failing>().of(opening.id().name()),
        })))
    },
};

/// What runs processes, and a process: so that entries may name them.
const HOST: ResourceKind =
    ResourceKind { spec: KindSpec { name: "process.host", ..SERVICE.spec }, open: SERVICE.open };
const PROCESS: KindSpec = KindSpec { name: "process.lua", fields: Fields::Free, ..KindSpec::EMPTY };

struct NoFunctions;

impl Invoke for NoFunctions {
    fn invoke(&self, _: Invocation) -> BoxFuture<'static, Result<Value, Failure>> {
        Box::pin(async { Err(Failure::internal("there are no functions")) })
    }
}

pub(crate) struct App {
    pub(crate) resources: Arc<Resources>,
}

/// An entry of namespace `app`: name, kind (one without a dot begins with `test.`), data as JSON.
pub(crate) type Definition<'a> = (&'a str, &'a str, &'a str);

pub(crate) fn entry((name, kind, data): Definition<'_>) -> Arc<Entry> {
    let data = json::decode(data.as_bytes()).unwrap_or_else(|error| panic!("{data}: {error:?}"));
    let id = EntryId::new("app", name).expect("an id");
    let kind = if kind.contains('.') { kind.to_owned() } else { format!("test.{kind}") };
    Arc::new(Entry::new(id, kind).with_data(data))
}

impl App {
    pub(crate) fn new(entries: &[Definition<'_>]) -> App {
        App::load(entries).unwrap_or_else(|report| panic!("{report}"))
    }

    /// As [`App::new`], or what is wrong with the entries.
    pub(crate) fn load(entries: &[Definition<'_>]) -> Result<App, Report> {
        let kinds: Vec<_> = [THING, PLAIN, SERVICE, HOST].into_iter().chain(KINDS.iter().copied()).collect();
        let known = kinds.iter().fold(Kinds::new(), |known, kind| known.with(kind.spec));
        let known = known.with(KindSpec { name: "test.other", ..KindSpec::EMPTY }).with(PROCESS);
        let mut baseline = Baseline::new();
        for definition in entries {
            baseline.add(Entry::clone(&entry(*definition)));
        }
        let registry = Registry::new(baseline, Rules::new(known))?;
        let host = Host {
            registry: Arc::new(registry),
            functions: Arc::new(NoFunctions),
            folder: None,
            allowed: Allowed::default(),
            shared: Shared::default(),
            variables,
        };
        Ok(App { resources: Resources::new(host, kinds) })
    }

    pub(crate) fn thing(&self, name: &str) -> Result<Arc<Thing>, Failure> {
        self.resources.get(&format!("app:{name}"))
    }

    pub(crate) fn opens(&self) -> usize {
        self.shared::<Opens>().0.load(Ordering::SeqCst)
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.shared::<Log>().take()
    }

    pub(crate) fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.resources.host().shared.get()
    }

    pub(crate) fn apply(&self, operations: &[Operation]) -> Applied {
        self.resources.host().registry.apply(operations, None).expect("applied")
    }

    pub(crate) fn update(&self, definition: Definition<'_>) {
        self.apply(&[Operation::Update(entry(definition))]);
    }

    pub(crate) fn delete(&self, name: &str) {
        self.apply(&[Operation::Delete(EntryId::new("app", name).expect("an id"))]);
    }
}

/// `auto_start` and more of a lifecycle, and more fields.
pub(crate) fn service(lifecycle: &str, fields: &str) -> String {
    let comma = |text: &str| if text.is_empty() { String::new() } else { format!(", {text}") };
    format!(r#"{{"lifecycle": {{"auto_start": true{}}}{}}}"#, comma(lifecycle), comma(fields))
}

/// An application and its services.
pub(crate) struct Started {
    pub(crate) app: App,
    pub(crate) services: Arc<Services>,
}

impl Started {
    /// Entries of kind `test.service`.
    pub(crate) fn new(definitions: &[(&str, String)]) -> Self {
        let definitions: Vec<Definition<'_>> =
            definitions.iter().map(|(name, data)| (*name, "service", data.as_str())).collect();
        Started::of(&definitions)
    }

    pub(crate) fn of(definitions: &[Definition<'_>]) -> Self {
        let app = App::new(definitions);
        let services = Arc::new(Services::new(app.resources.clone()));
        Started { app, services }
    }

    pub(crate) fn log(&self) -> String {
        self.app.log().join(", ")
    }

    /// What happened until the required ones ran, and what others did at the same time.
    pub(crate) async fn start(&self) -> Result<String, Failure> {
        self.services.start().await?;
        Ok(self.settle().await)
    }

    pub(crate) async fn stop(&self) -> String {
        self.services.stop().await;
        self.log()
    }

    pub(crate) async fn reconcile(&self) -> String {
        self.services.reconcile().await;
        self.settle().await
    }

    /// What happens without time passing.
    pub(crate) async fn settle(&self) -> String {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.log()
    }

    /// What happens in the next milliseconds, on a clock that stands still while something can be done.
    pub(crate) async fn within(&self, milliseconds: u64) -> String {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        self.settle().await
    }

    pub(crate) async fn running(&self) -> String {
        self.services.running().await.iter().map(EntryId::name).collect::<Vec<_>>().join(" ")
    }

    /// A service's state, whether it is to run, the ends that count, and details.
    pub(crate) fn state(&self, name: &str) -> String {
        let statuses = self.services.statuses();
        let status = statuses.iter().find(|status| status.id.name() == name).expect("it has a status");
        let wanted = if status.is_wanted { "" } else { ", not wanted" };
        let details = status.details.as_deref().map(|details| format!(": {details}")).unwrap_or_default();
        format!("{} {}{wanted}{details}", status.state.as_str(), status.failures)
    }
}
