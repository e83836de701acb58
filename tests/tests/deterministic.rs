//! Engines whose cells compute the same on every machine: instructions are counted, and every NaN has the same bits.

use perilune::Limits;
use perilune_cell::{
    Cell, CellSpec, Chunk, Engine, EngineOptions, Form, Guest, Host, Identity, Image, Pid, Status, Template,
};
use perilune_modules::{ALWAYS, MODULES};
use perilune_value::{Failure, Kind, Value, args_to_msgpack};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Few enough to be executed in a moment, and many enough that some ticks pass meanwhile.
const LIMITS: Limits = Limits { cpu: Duration::from_millis(50), timeout: None, ..Limits::DEFAULT };

/// Keeps the last line that was printed; randomness is the same for all.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<String>>);

impl Host for Last {
    fn print(&self, _cell: &Identity, line: &[u8], _location: &str) {
        *self.0.lock().expect("no panic") = String::from_utf8_lossy(line).into_owned();
    }

    fn seed(&self) -> (u64, u64) {
        (1, 2)
    }
}

/// What cells with a main function of this body are made from.
struct Program {
    template: Arc<Template>,
    image: Image,
}

impl Program {
    async fn new(body: &str) -> Self {
        let options = EngineOptions { max_cells: 4, deterministic: true, ..EngineOptions::default() };
        let engine = Engine::new(options).expect("an engine");
        let guest = Guest::new(&engine, perilune_guest_lua::COMPONENT, ALWAYS, MODULES).expect("a guest");
        let template = guest.template([]).expect("it links");
        let chunk = Chunk {
            id: "app:main".into(),
            form: Form::Text,
            source: format!("return function() {body}\nend").into_bytes(),
            imports: Vec::new(),
            modules: Vec::new(),
            surface: None,
        };
        let image = template.image(spec(&Last::default()), &[chunk]).await.expect("it loads");
        Program { template, image }
    }

    /// How a call ends, and what it printed last.
    async fn run(&self) -> (Result<Value, Failure>, String) {
        let last = Last::default();
        let made = self.template.from_image(spec(&last), &self.image).await;
        let mut cell: Cell = made.expect("there is room");
        let result = match cell.start("main", &args_to_msgpack(&[])).await {
            Ok(Status::Done(result)) => result.map(|value| Value::from_msgpack(&value).expect("a value")),
            Ok(Status::Waiting(_)) => panic!("it waits"),
            Err(death) => Err(death.into_failure("app:main")),
        };
        let printed = last.0.lock().expect("no panic").clone();
        (result, printed)
    }
}

fn spec(host: &Last) -> CellSpec {
    CellSpec {
        identity: Identity { entry: "app:main".into(), pid: Pid::numbered("test".into(), 1) },
        limits: LIMITS,
        host: Arc::new(host.clone()),
        context: Arc::new(()),
        extensions: Arc::new([]),
    }
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_same_instruction_in_every_cell() {
    let body = "local n, t = 0, {} while true do
        n = n + 1 t[n % 100] = {n}
        if n % 1000 == 0 then print(n) end
      end";
    let (program, other) = (Program::new(body).await, Program::new(body).await);
    let (ended, reached) = program.run().await;
    let failure = ended.expect_err("it never returns");
    assert_eq!(failure.kind, Kind::Timeout);
    assert!(failure.message.contains("executed more instructions than `limits.cpu` allows"), "{failure:?}");
    assert!(reached.parse::<u64>().is_ok_and(|reached| reached >= 10_000), "{reached}");
    assert_eq!(program.run().await.1, reached, "another cell");
    assert_eq!(other.run().await.1, reached, "another engine");
}

#[tokio::test]
async fn every_nan_has_the_same_bits() {
    let program = Program::new(
        "local zero, huge = 0.0, math.huge
         local seen = {}
         for i, nan in ipairs({ zero / zero, huge - huge, zero * huge, math.sqrt(-1), huge % 2, -huge + huge }) do
           seen[i] = ('%016x'):format(string.unpack('<i8', string.pack('<d', nan)))
         end
         return table.concat(seen, ' ')",
    )
    .await;
    let (seen, _) = program.run().await;
    assert_eq!(seen, Ok(["7ff8000000000000"; 6].join(" ").into()));
}
