//! Drives a cell as a process host does, and puts it to sleep between its turns.

use perilune_cell::{
    Cell, CellSpec, Chunk, Engine, EngineOptions, Event, Form, Guest, Hibernated, Host, Identity, Image,
    Limits, Message, Module, Pid, Sender, Status, Template, mailbox,
};
use perilune_modules::{ALWAYS, MODULES};
use perilune_value::{Failure, Value, args_to_msgpack, json};
use std::sync::Arc;

/// What programs are written in: `post` sends the cell a message, `pause` lets a turn end and the next one begin.
const PRELUDE: &str = "local tick \
    local function post(topic, value) print(require('json').encode({ topic = topic, value = value })) end \
    local function pause() \
      tick = tick or process.listen('tick') post('tick') return tick:receive() \
    end ";

/// When a cell hibernates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// Never.
    Never,
    /// After each turn.
    Always,
}

/// A program that cells are made for.
pub struct Sleeper {
    /// What its cells are instances of.
    pub template: Arc<Template>,
    /// What they begin with.
    pub image: Arc<Image>,
    /// What they may use.
    pub limits: Limits,
}

/// What a cell prints comes back as a message to it, and randomness is the same for all.
struct Mirror(Sender);

impl Host for Mirror {
    fn print(&self, _cell: &Identity, line: &[u8], _location: &str) {
        let posted = json::decode(line).expect("programs print what they post");
        let topic = posted.get("topic").and_then(Value::as_str).expect("a topic");
        let values: Vec<Value> = posted.get("value").cloned().into_iter().collect();
        // Some cells have nobody who would receive it.
        let _ = self.0.deliver(message(topic, &values));
    }

    fn seed(&self) -> (u64, u64) {
        (1, 2)
    }
}

impl Sleeper {
    /// A program whose main function has this body; `top` runs while it loads.
    pub async fn new(top: &str, body: &str) -> Self {
        Self::with(&format!("{PRELUDE}{top} return function(...) {body}\nend"), MODULES).await
    }

    /// A program with this source, and these modules to grant.
    pub async fn with(source: &str, modules: &[Module]) -> Self {
        let engine =
            Engine::new(EngineOptions { max_cells: 4, ..EngineOptions::default() }).expect("an engine");
        let guest = Guest::new(&engine, perilune_guest_lua::COMPONENT, ALWAYS, modules).expect("a guest");
        let granted = ["time", "json", "base64"];
        let template = guest.template(granted).expect("it links");
        let chunk = Chunk {
            id: "app:main".into(),
            form: Form::Text,
            source: source.as_bytes().to_vec(),
            imports: Vec::new(),
            modules: granted.iter().map(|name| (*name).to_owned()).collect(),
            surface: None,
        };
        let limits = Limits { timeout: None, ..Limits::DEFAULT };
        let (nobody, _) = mailbox(1, 1);
        let image = template.image(spec(nobody, limits), &[chunk]).await.expect("it loads");
        Sleeper { template, image: Arc::new(image), limits }
    }

    /// A cell that has not begun, whose messages to itself go nowhere.
    pub async fn cell(&self) -> Cell {
        let (nobody, _) = mailbox(1, 1);
        self.template.from_image(spec(nobody, self.limits), &self.image).await.expect("there is room")
    }

    /// A cell without an image's memory.
    pub async fn bare(&self) -> Cell {
        let (nobody, _) = mailbox(1, 1);
        self.template.instantiate(spec(nobody, self.limits)).await.expect("there is room")
    }

    /// A cell that waits for its first message.
    pub async fn waiting(&self) -> Cell {
        let mut cell = self.cell().await;
        let status = cell.start("main", &args_to_msgpack(&[])).await.expect("it lives");
        assert!(matches!(status, Status::Waiting(_)), "{status:?}");
        cell
    }

    /// Puts a cell to sleep.
    pub async fn hibernate(&self, cell: Cell) -> Hibernated {
        let asleep = cell.hibernate(&self.image).await;
        asleep.unwrap_or_else(|cell| panic!("it is busy, or dead: {}", cell.is_dead()))
    }

    /// Wakes it.
    pub async fn revive(&self, asleep: &Hibernated) -> Cell {
        self.template.revive(asleep).await.expect("there is room")
    }

    /// Runs the program to its end. Says how often it slept, too.
    pub async fn run(&self, args: &[Value], sleep: Sleep) -> (Result<Value, Failure>, usize) {
        let (sender, mut mailbox) = mailbox(10_000, 64 << 20);
        let made = self.template.from_image(spec(sender, self.limits), &self.image).await;
        let mut cell = made.expect("there is room");
        let mut slept = 0;
        let mut events = Vec::new();
        let mut status = cell.start("main", &args_to_msgpack(args)).await;
        loop {
            match status {
                Ok(Status::Waiting(_)) => {}
                Ok(Status::Done(Ok(value))) => {
                    return (Ok(Value::from_msgpack(&value).expect("a value")), slept);
                }
                Ok(Status::Done(Err(failure))) => return (Err(failure), slept),
                Err(death) => return (Err(death.into_failure("app:main")), slept),
            }
            if sleep == Sleep::Always && cell.can_hibernate() {
                cell = self.revive(&self.hibernate(cell).await).await;
                slept += 1;
            }
            events.clear();
            status = match cell.wait(Some(&mut mailbox), &mut events).await {
                Ok(()) => cell.turn(&events).await,
                Err(death) => Err(death),
            };
        }
    }
}

/// What a message to a cell looks like.
pub fn message(topic: &str, values: &[Value]) -> Event {
    Event::Message(Message {
        topic: topic.to_owned(),
        sender: String::new(),
        payloads: args_to_msgpack(values),
    })
}

fn spec(sender: Sender, limits: Limits) -> CellSpec {
    CellSpec {
        identity: Identity { entry: "app:main".into(), pid: Pid::numbered("test".into(), 1) },
        limits,
        host: Arc::new(Mirror(sender)),
        context: Arc::new(()),
        extensions: Arc::new([]),
    }
}
