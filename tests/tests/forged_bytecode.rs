//! Forged bytecode, loaded as genuine bytecode would be: the checksum is right, and what was packed is wrong. Whatever it does, it does to
//! its own cell.

use perilune::bytecode::{Compiler, checksum};
use perilune::{Kind, Limits, Value};
use perilune_cell::{
    Cell, CellSpec, Chunk, Engine, EngineOptions, Form, Guest, Identity, Image, Pid, Template,
};
use perilune_modules::{ALWAYS, MODULES};
use perilune_tests::compiled::Compiled;
use perilune_tests::hostile::Quiet;
use perilune_tests::render;
use perilune_value::args_to_msgpack;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

/// Each uses another part of the interpreter.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "arithmetic",
        "return { main = function() local s = 0 for i = 1, 100 do s = s + i * 2 // 3 % 7 ~ i end return s end }",
    ),
    (
        "tables",
        "return { main = function() local t = {} for i = 1, 50 do t[i] = { i, x = i } end table.sort(t, function(a, b) return a.x > b.x end) return #t end }",
    ),
    (
        "strings",
        "return { main = function() local s = '' for w in ('a bc def'):gmatch('%a+') do s = s .. w:upper():rep(3) end return s:len() end }",
    ),
    (
        "closures",
        "local function counter() local n = 0 return function() n = n + 1 return n end end return { main = function() local c <const> = counter() c() return c() end }",
    ),
    (
        "varargs",
        "return { main = function(...) local function f(...) return select('#', ...), ... end return (f(1, nil, 3, f(...))) end }",
    ),
    (
        "coroutines",
        "return { main = function() local w = coroutine.wrap(function(a) for i = 1, 3 do a = coroutine.yield(a + i) end return a end) return w(1) + w(2) + w(3) end }",
    ),
    (
        "errors",
        "return { main = function() local ok, e = pcall(function() local x <close> = setmetatable({}, { __close = function() end }) error({ 1 }) end) return type(e) end }",
    ),
];

/// Of each program.
const MUTANTS: usize = 600;

const LIMITS: Limits =
    Limits { memory: 16 << 20, cpu: Duration::from_millis(20), timeout: Some(Duration::from_secs(5)) };

/// One to four changes behind the file's head.
fn mutate(random: &mut StdRng, file: &[u8], head: usize) -> Vec<u8> {
    const TELLING: &[u8] = &[0, 1, 0x7f, 0x80, 0xfe, 0xff];
    let mut forged = file.to_vec();
    for _ in 0..random.random_range(1..=4) {
        if forged.len() <= head + 8 {
            break;
        }
        let at = random.random_range(head..forged.len() - 4);
        match random.random_range(0..7) {
            0 => forged[at] ^= 1 << random.random_range(0..8),
            1 => forged[at] = random.random(),
            2 => forged[at] = *TELLING.choose(random).expect("there are some"),
            // An instruction is a word: often another one, or another operand.
            3 => random.fill(&mut forged[at..][..4]),
            4 => forged.truncate(at),
            5 => {
                let from = random.random_range(head..forged.len() - 4);
                let length = random.random_range(1..=16).min(forged.len() - from.max(at));
                let piece = forged[from..][..length].to_vec();
                forged[at..][..length].copy_from_slice(&piece);
            }
            _ => {
                let length = random.random_range(1..=8).min(forged.len() - at);
                forged.drain(at..at + length);
            }
        }
    }
    forged
}

/// As the test is told, or always the same.
fn seed() -> u64 {
    env::var("PERILUNE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed)
}

/// Bytes of a chunk before what is compiled.
fn head() -> usize {
    7 + Compiler::version().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_forged_chunks_end_in_an_error_or_a_dead_cell() {
    let seed = seed();
    println!("PERILUNE_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let compiler = Compiler::new().expect("the sandbox starts");

    let mut application = Compiled::default()
        .line("{name: neighbour, kind: function.lua, method: main, pool: {type: inline}, source: 'local n = 0 return { main = function() n = n + 1 return n end }'}");
    let mut forged = Vec::new();
    for (name, source) in PROGRAMS {
        let genuine = compiler.compile(&format!("app:{name}"), source).expect("the source is Lua");
        application = application.file(name, "function", "method: main", &genuine, &checksum(&genuine));
        for number in 0..MUTANTS {
            let mutant = mutate(&mut random, &genuine, head());
            let name = format!("{name}_{number}");
            application = application.file(&name, "function", "method: main", &mutant, &checksum(&mutant));
            forged.push(name);
        }
    }
    let runtime = application
        .build(|builder| builder.limits(LIMITS))
        .unwrap_or_else(|error| panic!("the checksums are right: {}", render(&error)));
    let files = contents(&application);

    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for (number, name) in forged.iter().enumerate() {
        let outcome = match runtime.call(&format!("app:{name}"), []).await {
            Ok(_) => "an answer".to_owned(),
            Err(failure) => {
                assert_ne!(
                    failure.kind,
                    Kind::PermissionDenied,
                    "{name}: nothing was granted, nothing asked: {failure}"
                );
                format!("{:?}", failure.kind)
            }
        };
        *kinds.entry(outcome).or_default() += 1;
        if number % 50 == 0 {
            let count = i64::try_from(number / 50 + 1).expect("it is small");
            let neighbour = runtime.call("app:neighbour", []).await.expect("the neighbour notices nothing");
            assert_eq!(neighbour, Value::from(count), "after {name}");
        }
    }
    println!("{kinds:?}");
    assert!(kinds.len() > 2, "mutants differ in what they do: {kinds:?}");
    for (name, _) in PROGRAMS {
        runtime.call(&format!("app:{name}"), []).await.expect("genuine bytecode still runs");
    }
    assert!(files == contents(&application), "no file of the application has changed");
}

fn contents(application: &Compiled) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let folder = fs::read_dir(application.path().join("bytecode")).expect("it is there");
    let paths = folder.map(|entry| entry.expect("it can be read").path());
    paths.map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect()
}

/// Each program's mutants that run between neighbours whose memory is compared.
const MUTANTS_BETWEEN: usize = 60;

fn spec() -> CellSpec {
    CellSpec {
        identity: Identity { entry: "app:main".into(), pid: Pid::numbered("test".into(), 1) },
        limits: LIMITS,
        host: Arc::new(Quiet),
        context: Arc::new(()),
        extensions: Arc::new([]),
    }
}

fn chunk(form: Form, code: Vec<u8>) -> Chunk {
    Chunk { id: "app:main".into(), form, source: code, imports: vec![], modules: vec![], surface: None }
}

/// Memories that lie beside each other in the pool, the last of them free, and what the host keeps to make more.
struct Neighbours {
    template: Arc<Template>,
    image: Image,
    cells: Vec<Cell>,
}

impl Neighbours {
    async fn new() -> Self {
        let options = EngineOptions { max_cells: 4, ..EngineOptions::default() };
        let engine = Engine::new(options).expect("an engine");
        let guest = Guest::new(&engine, perilune_guest_lua::COMPONENT, ALWAYS, MODULES).expect("a guest");
        let template = guest.template([]).expect("it links");
        let source =
            "local kept = {} return function(n) for i = 1, n do kept[i] = {i .. ''} end return #kept end";
        let image = template.image(spec(), &[chunk(Form::Text, source.into())]).await.expect("it loads");
        let mut neighbours = Neighbours { template, image, cells: Vec::new() };
        for number in 1..=2_i64 {
            let mut cell = neighbours.fresh().await;
            let args = args_to_msgpack(&[Value::from(number * 1000)]);
            cell.run("main", &args, None).await.expect("a neighbour runs");
            neighbours.cells.push(cell);
        }
        neighbours
    }

    async fn fresh(&self) -> Cell {
        self.template.from_image(spec(), &self.image).await.expect("there is room")
    }

    /// Every byte of the neighbours, of the image on the host, and of a cell that is made from it.
    async fn bytes(&mut self) -> Vec<Box<[u8]>> {
        let mut all = vec![self.image.to_bytes().into()];
        let mut fresh = self.fresh().await;
        for cell in self.cells.iter_mut().chain([&mut fresh]) {
            all.push(cell.data(&self.image).expect("it was made from an image"));
        }
        all
    }

    /// Loads code as an entry is loaded, and runs it.
    async fn run(&self, code: Vec<u8>) {
        let mut cell = self.template.instantiate(spec()).await.expect("there is room");
        // How it ends is for the other test.
        if let Ok(Ok(_)) = cell.load(&[chunk(Form::Bytecode, code)]).await {
            let _ = cell.run("main", &args_to_msgpack(&[]), None).await;
        }
    }
}

#[tokio::test]
async fn neighbours_and_what_the_host_keeps_stay_as_they_are_byte_for_byte() {
    let seed = seed();
    println!("PERILUNE_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let compiler = Compiler::new().expect("the sandbox starts");
    let mut neighbours = Neighbours::new().await;
    let before = neighbours.bytes().await;
    for (name, source) in PROGRAMS {
        let genuine = compiler.compile(&format!("app:{name}"), source).expect("the source is Lua");
        for number in 0..MUTANTS_BETWEEN {
            neighbours.run(mutate(&mut random, &genuine, head())).await;
            if number % 10 == 9 {
                assert!(
                    neighbours.bytes().await == before,
                    "a byte has changed by mutant {number} of {name}"
                );
            }
        }
    }
}
