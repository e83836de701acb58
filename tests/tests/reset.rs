//! A used cell is made clean byte for byte: after a reset its memory is that of a cell fresh from the image.

use perilune_cell::{
    CallSpec, Cell, CellSpec, Chunk, Engine, EngineOptions, Form, Guest, Identity, Image, Limits, Pid,
    Template,
};
use perilune_modules::{ALWAYS, MODULES};
use perilune_tests::hostile::Quiet;
use perilune_value::{Value, args_to_msgpack};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::sync::Arc;
use std::time::Instant;

/// What a step of a call does with a number.
#[rustfmt::skip]
const STEPS: &[(&str, &str)] = &[
    ("sets globals", "for i = 1, n % 100 do _G['global ' .. i] = {i} end"),
    ("fills the entry's table", "for i = 1, n do kept[i] = i end"),
    ("empties the entry's table", "for i in pairs(kept) do kept[i] = nil end"),
    ("takes memory", "junk = ('x'):rep(n * 4000)"),
    ("makes garbage", "for i = 1, n * 20 do local garbage = {i, tostring(i)} end"),
    ("joins texts", "local t = {} for i = 1, n do t[i] = i .. '' end joined = table.concat(t, ',')"),
    ("makes closures", "local list = {} for i = 1, n do list[i] = function() return i + n end end closures = list"),
    ("suspends a coroutine", "suspended = coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) suspended()"),
    ("goes on with the entry's coroutine", "for _ = 1, n % 10 do generator() end"),
    ("spawns", "for i = 1, n % 50 do coroutine.spawn(function() unbuffered:send(i) end) end"),
    ("starts timers", "for i = 1, n % 20 do time.after(i .. 'h') end"),
    ("waits", "time.sleep(1)"),
    ("fills a channel", "for i = 1, n % 64 do buffered:send(i) end"),
    ("subscribes", "for i = 1, n % 20 do subscribe('topic ' .. i, channel.new(1)) end"),
    ("raises and catches", "pcall(error, {n}) pcall(error, 'text') pcall(string.rep)"),
    ("nests deep", "local function f(d) if d > 0 then return 1 + f(d - 1) end return 0 end f(n * 10)"),
    ("nests in C", "local function f(d) if d > 0 then return pcall(f, d - 1) end end f(n % 150)"),
    ("overflows its stack", "pcall(function() local function f() return 1 + f() end f() end)"),
    ("sets metatables", "setmetatable(kept, {__index = function() return n end, __gc = function() finalised = n end})"),
    ("uses weak tables", "weak = setmetatable({}, {__mode = 'kv'}) for i = 1, n do weak[{}] = {} end"),
    ("leaves a variable to close", "closing = coroutine.wrap(function() local c <close> = setmetatable({}, {__close = print}) coroutine.yield() end) closing()"),
    ("draws random numbers", "for i = 1, n do math.random(n + 1) end math.randomseed(n)"),
    ("asks the time", "now = time.now() os.time() os.date('*t')"),
    ("encodes", "local t = {} for i = 1, n do t[i] = {id = i} end text = json.encode(t) back = json.decode(text)"),
    ("matches", "local s = ('ab '):rep(n) for w in s:gmatch('%a+') do last = w end gsubbed = s:gsub('a', {a = 'b'})"),
    ("sorts", "local t = {} for i = 1, n do t[i] = (i * 7919) % 1000 end table.sort(t) sorted = t"),
    ("packs", "packed = string.pack('>I4s4d', n, ('y'):rep(n), n / 3)"),
    ("prints", "print(n, 'printed')"),
    ("freezes", "frozen = table.freeze({n, {n}})"),
    ("makes errors", "problem = errors.new({message = ('m'):rep(n), details = {n = n}})"),
    ("raises", "error(errors.new({message = 'raised', details = {n = ('d'):rep(n * 100)}}))"),
    ("computes for long", "local sum = 0 for i = 1, n * 3000 do sum = sum + i end written = ('w'):rep(n * 40)"),
    ("returns", "return {n = n, list = {('r'):rep(n)}}"),
];

/// With it a step grows a cell to many times its image.
const LARGEST: i64 = 2000;

fn source() -> String {
    let mut source = String::from(
        "local kept, buffered, unbuffered = {}, channel.new(64), channel.new()
         local generator = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
         local steps = {\n",
    );
    for (_, body) in STEPS {
        source += &format!("function(n) {body} end,\n");
    }
    source
        + "}\nreturn function(...)
             for _, step in ipairs({...}) do
               local result = steps[step[1]](step[2])
               if result then return result end
             end
           end"
}

struct Cells {
    template: Arc<Template>,
    image: Image,
}

impl Cells {
    async fn new() -> Self {
        let engine =
            Engine::new(EngineOptions { max_cells: 4, ..EngineOptions::default() }).expect("an engine");
        let guest = Guest::new(&engine, perilune_guest_lua::COMPONENT, ALWAYS, MODULES).expect("a guest");
        let template = guest.template(["time", "json"]).expect("it links");
        let chunk = Chunk {
            id: "app:main".into(),
            form: Form::Text,
            source: source().into_bytes(),
            imports: Vec::new(),
            modules: vec!["time".into(), "json".into()],
            surface: None,
        };
        let image = template.image(spec(), &[chunk]).await.expect("it loads");
        assert!(image.is_complete(), "nothing at the top level asks for what may differ");
        Cells { template, image }
    }

    async fn fresh(&self) -> Cell {
        self.template.from_image(spec(), &self.image).await.expect("there is room")
    }

    fn data(&self, cell: &mut Cell) -> Box<[u8]> {
        cell.data(&self.image).expect("it was made from an image")
    }

    /// The bytes of a reset cell are the fresh ones, and zeros where it had grown.
    fn assert_clean(&self, cell: &mut Cell, fresh: &[u8], after: &str) {
        let data = self.data(cell);
        let (same, grown) = data.split_at(fresh.len());
        let differing: Vec<_> = (0..same.len()).filter(|at| same[*at] != fresh[*at]).take(9).collect();
        assert!(differing.is_empty(), "after {after}: bytes differ at {differing:?}");
        assert!(grown.iter().all(|byte| *byte == 0), "after {after}: what it grew by holds something");
    }
}

fn spec() -> CellSpec {
    CellSpec {
        identity: Identity { entry: "app:main".into(), pid: Pid::numbered("test".into(), 1) },
        limits: Limits::DEFAULT,
        host: Arc::new(Quiet),
        context: Arc::new(()),
        extensions: Arc::new([]),
    }
}

/// A call that takes steps, of which each is its place in [`STEPS`] and a number.
async fn call(cell: &mut Cell, steps: &[(usize, i64)]) {
    let CellSpec { identity, limits, context, .. } = spec();
    cell.begin_call(CallSpec { identity, limits, context, began: Instant::now() });
    let step = |(step, n): &(usize, i64)| Value::Array(vec![(*step as i64 + 1).into(), (*n).into()]);
    let args: Vec<Value> = steps.iter().map(step).collect();
    // It may well fail; what counts is what it leaves.
    let _ = cell.run("main", &args_to_msgpack(&args), None).await;
}

#[tokio::test]
async fn after_each_step_alone_the_memory_is_the_images() {
    let cells = Cells::new().await;
    let fresh = cells.data(&mut cells.fresh().await);
    let mut cell = cells.fresh().await;
    for (step, (name, _)) in STEPS.iter().enumerate() {
        for n in [0, 1, 60, LARGEST] {
            call(&mut cell, &[(step, n)]).await;
            assert_ne!(cells.data(&mut cell)[..], fresh[..], "a call writes to memory");
            assert!(cell.reset(&cells.image), "the cell lives on after a call that {name} ({n})");
            cells.assert_clean(&mut cell, &fresh, &format!("a call that {name} ({n})"));
        }
    }
}

/// Calls that write the same pages again and again are cleaned without looking for others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_writes_other_pages_than_all_before_it_is_cleaned_as_well() {
    let cells = Arc::new(Cells::new().await);
    let fresh = cells.data(&mut cells.fresh().await);
    let mut cell = cells.fresh().await;
    for (step, (name, _)) in STEPS.iter().enumerate() {
        for n in [1, 1, 1, LARGEST, 1, 60] {
            // On whatever thread has time, and on several where it gives way.
            let of_task = cells.clone();
            let called = tokio::spawn(async move {
                call(&mut cell, &[(step, n)]).await;
                assert!(cell.reset(&of_task.image), "the cell lives on");
                cell
            });
            cell = called.await.expect("it does not panic");
            // Looking at its memory touches pages that it did not.
            if n != 1 {
                cells.assert_clean(&mut cell, &fresh, &format!("a call that {name} ({n})"));
            }
        }
    }
}

#[tokio::test]
async fn a_cell_that_rested_has_the_images_memory_when_it_wakes() {
    let cells = Cells::new().await;
    let fresh = cells.data(&mut cells.fresh().await);
    let mut cell = cells.fresh().await;
    for (step, (name, _)) in STEPS.iter().enumerate() {
        call(&mut cell, &[(step, 60)]).await;
        cell.rest(&cells.image);
        assert_ne!(cells.data(&mut cell)[..], fresh[..], "a resting cell holds the base alone");
        cell.rest(&cells.image);
        cell.wake(&cells.image);
        cell.wake(&cells.image);
        cells.assert_clean(&mut cell, &fresh, &format!("rest after a call that {name}"));
    }
}

#[test]
fn after_any_calls_the_memory_is_the_images() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cells = runtime.block_on(Cells::new());
    let fresh = runtime.block_on(async { cells.data(&mut cells.fresh().await) });
    let step = (0..STEPS.len(), prop_oneof![0..50_i64, 0..LARGEST]);
    let calls = prop::collection::vec(prop::collection::vec(step, 0..8), 1..6);
    let mut runner = TestRunner::new(Config { cases: 64, ..Config::default() });
    let checked = runner.run(&calls, |calls| {
        runtime.block_on(async {
            let mut cell = cells.fresh().await;
            for steps in &calls {
                call(&mut cell, steps).await;
                if cell.is_dead() {
                    assert!(!cell.reset(&cells.image), "the dead are not used again");
                    break;
                }
                assert!(cell.reset(&cells.image));
                cells.assert_clean(&mut cell, &fresh, "any call");
            }
        });
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}
