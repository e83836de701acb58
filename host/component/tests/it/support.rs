//! Components from text, and calls of them with surroundings that record.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use perilune_cell::{Host, Identity, Limits, Mailbox, Message, Pid, Sender, mailbox};
use perilune_component::{Act, Call, Engine, Mounted, Network, Options, Peers, Program, Purpose, Refusal};
use perilune_value::{Failure, Value, args_to_msgpack};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Modules and instances that all guests share.
const LIBC: &str = include_str!("../guests/libc.wat");

pub(crate) const FUNCTIONS: &str = include_str!("../guests/functions.wat");
pub(crate) const ENTRY: &str = include_str!("../guests/entry.wat");
pub(crate) const ENVIRONMENT: &str = include_str!("../guests/environment.wat");
pub(crate) const FILES: &str = include_str!("../guests/files.wat");
pub(crate) const COMMAND: &str = include_str!("../guests/command.wat");
pub(crate) const SOCKETS: &str = include_str!("../guests/sockets.wat");
pub(crate) const PROCESS: &str = include_str!("../guests/process.wat");

/// One for all tests: each has a ticker, and most compile the same.
pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let options = Options { max_instances: 64, max_wait: Duration::from_secs(30), cache: None };
    Engine::new(options).expect("the engine starts")
});

/// Small enough that tests of limits are quick.
pub(crate) const TIGHT: Limits =
    Limits { memory: 16 << 20, cpu: Duration::from_millis(100), timeout: Some(Duration::from_secs(20)) };

pub(crate) fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text.replace("(libc)", LIBC)).expect("the text is a component")
}

pub(crate) fn program(text: &str, method: Option<&str>) -> Arc<Program> {
    load(text, method).unwrap_or_else(|refusal| panic!("the component fits: {refusal}"))
}

pub(crate) fn load(text: &str, method: Option<&str>) -> Result<Arc<Program>, Refusal> {
    Program::new(&ENGINE, &component(text), method, &[]).map(Arc::new)
}

/// Everything that a call may be given, and what it did.
pub(crate) struct Setting {
    pub(crate) limits: Limits,
    pub(crate) purpose: Purpose,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) mounts: Vec<Mounted>,
    pub(crate) network: Option<Arc<dyn Network>>,
    pub(crate) printed: Arc<Mutex<Vec<String>>>,
    pub(crate) sent: Arc<Mutex<Vec<String>>>,
    pub(crate) sender: Sender,
    pub(crate) mailbox: Mailbox,
}

impl Setting {
    pub(crate) fn new() -> Self {
        let (sender, mailbox) = mailbox(16, 1 << 20);
        Setting {
            limits: TIGHT,
            purpose: Purpose::Result,
            env: Vec::new(),
            mounts: Vec::new(),
            network: None,
            printed: Arc::default(),
            sent: Arc::default(),
            sender,
            mailbox,
        }
    }

    pub(crate) fn printed(&self) -> Vec<String> {
        self.printed.lock().expect("no test panics while printing").clone()
    }

    pub(crate) fn sent(&self) -> Vec<String> {
        self.sent.lock().expect("no test panics while sending").clone()
    }

    /// A call that goes on by itself.
    pub(crate) fn start(
        &mut self,
        program: &Arc<Program>,
        args: &[Value],
    ) -> impl Future<Output = Result<Value, Failure>> + Send + use<> {
        let call = Call {
            identity: Identity { entry: "app:main".into(), pid: Pid::numbered("tests".into(), 1) },
            limits: self.limits,
            began: Instant::now(),
            host: Arc::new(Recorder(self.printed.clone())),
            purpose: self.purpose,
            args: args_to_msgpack(args),
            env: self.env.clone(),
            mounts: std::mem::take(&mut self.mounts),
            network: self.network.clone(),
            peers: Arc::new(Others(self.sent.clone())),
            inbox: self.mailbox.inbox(),
            ticked: Arc::default(),
        };
        let running = program.clone().run(call);
        async move { running.await.map(|result| Value::from_msgpack(&result).expect("a result is a value")) }
    }

    pub(crate) async fn call(&mut self, program: &Arc<Program>, args: &[Value]) -> Result<Value, Failure> {
        self.start(program, args).await
    }
}

/// Calls one function of a component.
pub(crate) async fn call(text: &str, method: &str, args: &[Value]) -> Result<Value, Failure> {
    Setting::new().call(&program(text, Some(method)), args).await
}

/// The limit that a failure names.
pub(crate) fn limit(failure: &Failure) -> Option<&str> {
    failure.details.as_ref()?.get("limit")?.as_str()
}

struct Recorder(Arc<Mutex<Vec<String>>>);

impl Host for Recorder {
    fn print(&self, _: &Identity, line: &[u8], location: &str) {
        let line = format!("{location} {}", String::from_utf8_lossy(line));
        self.0.lock().expect("no test panics while printing").push(line);
    }
}

/// Other runs, of which only messages and names are of interest.
struct Others(Arc<Mutex<Vec<String>>>);

impl Others {
    fn note(&self, what: String) {
        self.0.lock().expect("no test panics while sending").push(what);
    }
}

impl Peers for Others {
    fn send(&self, to: String, topic: String, payloads: Vec<u8>) -> BoxFuture<'static, Result<(), Failure>> {
        let payloads = perilune_value::json::encode_from_msgpack(&payloads).expect("payloads are JSON");
        self.note(format!("{topic} to {to}: {payloads}"));
        ready(Ok(())).boxed()
    }

    fn spawn(&self, entry: String, _: String, _: Vec<u8>) -> BoxFuture<'static, Result<String, Failure>> {
        ready(Err(Failure::not_found(entry))).boxed()
    }

    fn call(
        &self,
        target: String,
        _: Vec<u8>,
        _: Option<Duration>,
    ) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
        ready(Err(Failure::not_found(target))).boxed()
    }

    fn act(&self, whom: &str, _: Act) -> Result<(), Failure> {
        Err(Failure::not_found(whom))
    }

    fn trap_links(&self, _: bool) {}

    fn register(&self, name: &str) -> Result<(), Failure> {
        self.note(format!("registered as {name}"));
        Ok(())
    }

    fn unregister(&self, _: &str) -> Result<bool, Failure> {
        Ok(false)
    }

    fn lookup(&self, name: &str) -> Result<String, Failure> {
        Err(Failure::not_found(name))
    }

    fn waits(&self, _: usize) {}

    fn goes_on(&self) -> BoxFuture<'static, Result<(), Failure>> {
        ready(Ok(())).boxed()
    }
}

pub(crate) fn message(topic: &str, values: &[Value]) -> perilune_cell::Event {
    perilune_cell::Event::Message(Message {
        topic: topic.to_owned(),
        sender: "{app:host|00007}".to_owned(),
        payloads: args_to_msgpack(values),
    })
}
