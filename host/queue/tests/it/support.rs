//! A host of a few entries whose functions are closures.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_queue::{Delivery, Headers, KINDS, Queue};
use perilune_registry::{Baseline, Entry, EntryId, Kinds, Operation, Registry, Rules};
use perilune_resource::{Allowed, Host, Invocation, Invoke, Resources, Services, Shared};
use perilune_value::{Failure, Packed, Value, json};
use std::sync::Arc;

/// What a function does with a call.
pub(crate) type Body = dyn Fn(Invocation) -> BoxFuture<'static, Result<Value, Failure>> + Send + Sync;

struct Functions(Box<Body>);

impl Invoke for Functions {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Result<Value, Failure>> {
        (self.0)(invocation)
    }
}

pub(crate) struct App {
    pub(crate) registry: Arc<Registry>,
    pub(crate) resources: Arc<Resources>,
    pub(crate) services: Services,
}

/// An entry of namespace `app` with these fields, as JSON.
pub(crate) fn entry(name: &str, kind: &str, fields: &str) -> Entry {
    let fields = json::decode(fields.as_bytes()).unwrap_or_else(|failure| panic!("{fields}: {failure}"));
    Entry::new(EntryId::new("app", name).expect("a valid id"), kind).with_data(fields)
}

impl App {
    /// A driver `app:memory`, a function `app:work`, and these entries.
    pub(crate) fn new(
        entries: impl IntoIterator<Item = Entry>,
        work: impl Fn(Invocation) -> BoxFuture<'static, Result<Value, Failure>> + Send + Sync + 'static,
    ) -> App {
        let kinds = KINDS.iter().fold(Kinds::standard(), |kinds, kind| kinds.with(kind.spec));
        let mut baseline = Baseline::new();
        baseline.add(entry("memory", "queue.driver.memory", "{}"));
        baseline.add(entry("work", "function.lua", r#"{"source": "return print", "method": "main"}"#));
        entries.into_iter().for_each(|entry| {
            baseline.add(entry);
        });
        let registry = Registry::new(baseline, Rules::new(kinds))
            .unwrap_or_else(|report| panic!("{}", report.render(false)));
        let registry = Arc::new(registry);
        let host = Host {
            registry: registry.clone(),
            functions: Arc::new(Functions(Box::new(work))),
            folder: None,
            allowed: Allowed::default(),
            shared: Shared::default(),
            variables: |_, _| Ok(None),
        };
        let resources = Resources::new(host, KINDS.iter().copied());
        App { registry, services: Services::new(resources.clone()), resources }
    }

    /// Queues alone: name and fields.
    pub(crate) fn queues(queues: &[(&str, &str)]) -> App {
        let entries = queues.iter().map(|(name, fields)| entry(name, "queue.queue", fields));
        App::new(entries, |_| async { Ok(Value::Nil) }.boxed())
    }

    pub(crate) fn queue(&self, name: &str) -> Arc<Queue> {
        self.try_queue(name).unwrap_or_else(|failure| panic!("{name} opens: {failure}"))
    }

    pub(crate) fn try_queue(&self, name: &str) -> Result<Arc<Queue>, Failure> {
        self.resources.get(&format!("app:{name}"))
    }

    pub(crate) fn update(&self, entry: Entry) {
        self.registry.apply(&[Operation::Update(Arc::new(entry))], None).expect("the change is applied");
    }
}

pub(crate) async fn publish(queue: &Queue, value: impl Into<Value>) -> Result<String, Failure> {
    queue.publish(Packed::from(&value.into()), Headers::default()).await
}

/// What a delivery says.
pub(crate) fn said(delivery: &Delivery) -> Value {
    delivery.message().value().expect("the body is well-formed")
}
