//! Lua programs print the same in the guest as linked, which throws wasm exceptions, and in the lowered one, also where lines are
//! watched.
//!
//! A program is what stands between two lines `--- title` in `programs/`. It says what it finds with `show(…)`; where the title
//! ends in `(fails)` it ends with an error.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use wasmtime::component::{Component, Func, Instance, InstancePre, Linker, Val};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder};

const THROWING: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guest.throwing.wasm"));

const PROLOGUE: &str = "local lines = {} \
    local function show(...) local t = table.pack(...) for i = 1, t.n do t[i] = tostring(t[i]) end \
    lines[#lines + 1] = table.concat(t, ' ') end \
    return { main = function()\n";
const EPILOGUE: &str = "\nreturn table.concat(lines, '\\n') end }";

/// As much as an entry gets by default; one of the programs takes it all.
const MEMORY: usize = 64 << 20;

static BEFORE: LazyLock<InstancePre<StoreLimits>> = LazyLock::new(|| prepare(THROWING, true, false));
static AFTER: LazyLock<InstancePre<StoreLimits>> =
    LazyLock::new(|| prepare(perilune_guest_lua::COMPONENT, false, false));
/// The lowered one, whose host wants to know which lines run.
static WATCHED: LazyLock<InstancePre<StoreLimits>> =
    LazyLock::new(|| prepare(perilune_guest_lua::COMPONENT, false, true));

fn prepare(component: &[u8], exceptions: bool, watches: bool) -> InstancePre<StoreLimits> {
    let mut config = Config::new();
    config.wasm_exceptions(exceptions).wasm_gc(false);
    let engine = Engine::new(&config).expect("an engine");
    let component = Component::new(&engine, component).expect("the guest compiles");
    let mut linker = Linker::new(&engine);
    let mut durable = linker.instance("perilune:cell/durable@0.1.0").expect("an interface");
    // What the guest asks while it loads an entry.
    durable.func_wrap("is-workflow", |_, (): ()| Ok((false,))).expect("a function");
    let mut coverage = linker.instance("perilune:cell/coverage@0.1.0").expect("an interface");
    coverage.func_wrap("is-wanted", move |_, (): ()| Ok((watches,))).expect("a function");
    coverage.func_wrap("watch", |_, (_, _): (String, Vec<u8>)| Ok((0_u32,))).expect("a function");
    coverage.func_wrap("reached", |_, (_, _): (u32, u32)| Ok(())).expect("a function");
    linker.define_unknown_imports_as_traps(&component).expect("all imports defined");
    linker.instantiate_pre(&component).expect("linked")
}

/// Runs a program in an instance of its own: its result's bytes, its failure, or its trap.
fn run(guest: &InstancePre<StoreLimits>, program: &str) -> Result<String, String> {
    let limits = StoreLimitsBuilder::new().memory_size(MEMORY).build();
    let mut store = Store::new(guest.engine(), limits);
    store.limiter(|limits| limits);
    let instance = guest.instantiate(&mut store).expect("an instance");
    let source = format!("{PROLOGUE}{program}{EPILOGUE}");
    let chunk = Val::Record(vec![
        ("id".to_owned(), Val::String("app:program".to_owned())),
        ("form".to_owned(), Val::Enum("text".to_owned())),
        ("source".to_owned(), bytes(source.as_bytes())),
        ("modules".to_owned(), Val::List(Vec::new())),
        ("imports".to_owned(), Val::List(Vec::new())),
        ("surface".to_owned(), Val::Option(None)),
    ]);
    let seed = Val::Tuple(vec![Val::U64(7), Val::U64(11)]);
    match call(&mut store, &instance, "load", &[Val::List(vec![chunk]), seed.clone()])? {
        Val::Result(Ok(_)) => {}
        other => return Err(text(&other)),
    }
    // MessagePack: no arguments.
    match call(&mut store, &instance, "start", &[Val::String("main".to_owned()), bytes(&[0x90]), seed])? {
        Val::Variant(_, Some(done)) => match *done {
            Val::Result(Ok(Some(value))) => Ok(text(&value)),
            other => Err(text(&other)),
        },
        other => Err(text(&other)),
    }
}

fn call(
    store: &mut Store<StoreLimits>,
    instance: &Instance,
    name: &str,
    arguments: &[Val],
) -> Result<Val, String> {
    let interface = instance
        .get_export_index(&mut *store, None, "perilune:cell/guest@0.1.0")
        .expect("the guest exports its interface");
    let function = instance.get_export_index(&mut *store, Some(&interface), name).expect("as in wit/");
    let function: Func = instance.get_func(&mut *store, function).expect("a function");
    let mut results = [Val::Bool(false)];
    // The first lines alone: traces name places in native code.
    function.call(&mut *store, arguments, &mut results).map_err(|error| error.root_cause().to_string())?;
    let [result] = results;
    Ok(result)
}

fn bytes(bytes: &[u8]) -> Val {
    Val::List(bytes.iter().copied().map(Val::U8).collect())
}

/// Readable where it is text.
fn text(value: &Val) -> String {
    match value {
        Val::List(items) => {
            let bytes = items.iter().map(|item| if let Val::U8(byte) = item { *byte } else { b'?' });
            String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
        }
        Val::Record(fields) => fields.iter().fold(String::new(), |mut all, (name, value)| {
            write!(all, "{name}={} ", text(value)).expect("a string takes all");
            all
        }),
        Val::Option(Some(inner)) | Val::Result(Ok(Some(inner)) | Err(Some(inner))) => text(inner),
        other => format!("{other:?}"),
    }
}

/// Title and text of every program.
fn programs() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let mut programs = Vec::new();
    for file in fs::read_dir(folder).expect("the programs") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("text");
        for program in text.split("\n--- ").skip(1) {
            let (title, program) = program.split_once('\n').expect("a title and a program");
            programs.push((title.to_owned(), program.to_owned()));
        }
    }
    programs.sort();
    programs
}

#[test]
fn programs_print_the_same() {
    let programs = programs();
    assert!(programs.len() >= 40, "the files are read: {} programs", programs.len());
    let mut wrong = Vec::new();
    for (title, program) in programs {
        let before = run(&BEFORE, &program);
        let after = run(&AFTER, &program);
        let ends_as_said = after.is_err() == title.ends_with("(fails)");
        let shows_something = after.iter().all(|text| text.len() > 1);
        if before != after || !ends_as_said || !shows_something {
            wrong.push(format!("{title}\n  before: {before:?}\n  after:  {after:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A text without addresses: what is kept of lines moves what comes after it.
fn placeless(text: &str) -> String {
    let mut parts = text.split("0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()))
}

#[test]
fn programs_print_the_same_when_their_lines_are_watched() {
    let mut wrong = Vec::new();
    for (title, program) in programs() {
        let run = |guest| run(guest, &program).map(|text| placeless(&text)).map_err(|text| placeless(&text));
        let (plain, watched) = (run(&*AFTER), run(&*WATCHED));
        if plain != watched {
            wrong.push(format!("{title}\n  plain:   {plain:?}\n  watched: {watched:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
