//! An application of things and services that tell what happens to them.

use futures_util::future::BoxFuture;
use perilune_registry::{
    Applied, Baseline, Entry, EntryId, Field, Fields, KindSpec, Kinds, Operation, Registry, Rules, Type,
};
use perilune_resource::{
    Allowed, Host, Invocation, Invoke, LIFECYCLE, Opened, Opening, ResourceKind, Resources, Service, Shared,
    Stamp,
};
use perilune_value::{Failure, Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

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

/// A service that notes what it is told, and behaves as its entry says.
struct Told {
    id: String,
    start: String,
    stop: String,
    log: Arc<Log>,
}

impl Told {
    fn behave(&self, what: &'static str, how: &str) -> BoxFuture<'static, Result<(), Failure>> {
        let note = format!("{what} {}", self.id);
        self.log.note(note.clone());
        let how = how.to_owned();
        assert!(how != "panic at once", "{note} broke at once");
        Box::pin(async move {
            match how.as_str() {
                "fail" => Err(Failure::internal(format!("{note} failed"))),
                "panic" => panic!("{note} broke"),
                "hang" => std::future::pending().await,
                _ => Ok(()),
            }
        })
    }
}

impl Service for Told {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        self.behave("start", &self.start)
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        let stopping = self.behave("stop", &self.stop);
        let (log, id) = (self.log.clone(), self.id.clone());
        Box::pin(async move {
            if stopping.await.is_ok() {
                log.note(format!("stopped {id}"));
            }
        })
    }
}

const SERVICE: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "test.service",
        fields: Fields::Known(&[
            Field { name: "on_start", ty: Type::String, ..FIELD },
            Field { name: "on_stop", ty: Type::String, ..FIELD },
            Field { name: "uses", ty: Type::Entries(&[]), ..FIELD },
            Field { name: "text", ty: Type::String, ..FIELD },
            LIFECYCLE,
        ]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open: |opening| {
        let text =
            |field: &str| opening.data().get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text("on_start") == "not open" {
            return Err(Failure::invalid("it cannot be opened"));
        }
        let id = opening.id().name().to_owned();
        let log = opening.shared().get::<Log>();
        Ok(Opened::service(Arc::new(Told { id, start: text("on_start"), stop: text("on_stop"), log })))
    },
};

struct NoFunctions;

impl Invoke for NoFunctions {
    fn invoke(&self, _: Invocation) -> BoxFuture<'static, Result<Value, Failure>> {
        Box::pin(async { Err(Failure::internal("there are no functions")) })
    }
}

pub(crate) struct App {
    pub(crate) resources: Arc<Resources>,
}

/// An entry of namespace `app`: name, kind without `test.`, data as JSON.
pub(crate) type Definition<'a> = (&'a str, &'a str, &'a str);

pub(crate) fn entry((name, kind, data): Definition<'_>) -> Arc<Entry> {
    let data = json::decode(data.as_bytes()).unwrap_or_else(|error| panic!("{data}: {error:?}"));
    let id = EntryId::new("app", name).expect("an id");
    Arc::new(Entry::new(id, format!("test.{kind}")).with_data(data))
}

impl App {
    pub(crate) fn new(entries: &[Definition<'_>]) -> App {
        let kinds = [THING, PLAIN, SERVICE];
        let known = kinds.iter().fold(Kinds::new(), |known, kind| known.with(kind.spec));
        let known = known.with(KindSpec { name: "test.other", ..KindSpec::EMPTY });
        let mut baseline = Baseline::new();
        for definition in entries {
            baseline.add(Entry::clone(&entry(*definition)));
        }
        let registry = Registry::new(baseline, Rules::new(known)).unwrap_or_else(|report| panic!("{report}"));
        let host = Host {
            registry: Arc::new(registry),
            functions: Arc::new(NoFunctions),
            folder: None,
            allowed: Allowed::default(),
            shared: Shared::default(),
            variables,
        };
        App { resources: Resources::new(host, kinds) }
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
