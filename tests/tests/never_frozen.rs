//! Time, randomness, ids and the context of a call are never frozen into an image: a source whose top level asks for them sees
//! what is true for each call. What asks for nothing of the kind is loaded once.

use perilune::{Call, Entry, EntryId, Operation, Value};
use perilune_tests::App;
use perilune_tests::counter::Counter;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Every type of pool in which calls are independent.
const POOLS: &[&str] = &["{type: lazy}", "{type: static, size: 1}", "{type: adaptive}"];

/// Expressions at the top level whose values differ from call to call.
#[rustfmt::skip]
const DIFFERENT: &[(&str, &str)] = &[
    ("the time", "tostring(time.now():unix_nano())"),
    ("randomness", "math.random(0)"),
    ("a random float", "math.random()"),
    ("randomness after a seed from nowhere", "(function() math.randomseed() return math.random(0) end)()"),
    ("a random uuid", "uuid.v4()"),
    ("a uuid of the time", "uuid.v7()"),
    ("an id of the run", "process.pid()"),
    ("an answer of the application", "counter.next()"),
    ("the answer of a library's function", "lib.random()"),
    ("what a library asked for", "lib.id"),
    ("what an import of an import asked for", "outer.id"),
];

/// Expressions that may well have the same value twice; that they are asked each time shows in what is printed.
const ASKED: &[(&str, &str)] = &[
    ("the time in seconds", "os.time()"),
    ("the date", "os.date()"),
    ("the calendar", "os.date('*t').sec"),
    ("the CPU time", "os.clock()"),
    ("the context", "ctx.get('user')"),
    ("all of the context", "ctx.all()"),
    ("the registry", "registry.get('app:setting').data.source"),
    ("entries by what they are", "#registry.find({kind = 'library.lua'})"),
];

/// Expressions that have the same value in every call.
const TIMELESS: &[(&str, &str)] = &[
    ("a sum", "1 + 1"),
    ("a time from numbers", "os.time({year = 2026, month = 1, day = 2})"),
    ("a date from numbers", "time.date(2026, 1, 2, 3, 4, 5, 6):unix()"),
    ("a parsed duration", "time.parse_duration('1h30m'):seconds()"),
    ("a digest", "require('hash').md5('x')"),
    ("decoded text", "json.decode('[1, 2]')[2]"),
    ("what a library worked out", "pure.two"),
    ("the entry's id", "process.id()"),
    ("a channel", "channel.new(1) and true"),
    ("a coroutine", "coroutine.wrap(function() coroutine.yield(1) end)()"),
];

const MODULES: &str = "modules: [time, uuid, ctx, registry, counter, hash, json, funcs]";

/// `app:main` with this source. Of its libraries, `lib` asks for an id when it loads, and `pure` for nothing.
fn app(pool: &str, imports: &str, main: &str) -> App {
    let lib = "print('lib loads') local uuid = require('uuid')
        return {id = uuid.v4(), random = function() return math.random(0) end}";
    let fields = format!("{MODULES}, imports: {{{imports}}}, pool: {pool}");
    let entries = [
        ("pure", "library", "", "print('pure loads') return {two = 1 + 1}"),
        ("lib", "library", "modules: [uuid], imports: {pure: 'app:pure'}", lib),
        ("outer", "library", "imports: {lib: 'app:lib'}", "print('outer loads') return {id = lib.id}"),
        ("setting", "library", "", "return 'old'"),
        ("fine", "function", "", "return function() return 'fine' end"),
        ("main", "function", &fields, main),
    ];
    App::entries_with(&entries, |builder| builder.module(Counter::default().module()))
}

const LIBRARIES: &str = "lib: 'app:lib', outer: 'app:outer', pure: 'app:pure'";

/// A source that evaluates `value` when it loads, and whose calls return it.
fn loads(value: &str) -> String {
    format!("print('main loads') local value = {value} return function() return value end")
}

/// What one call prints.
async fn printed_by_a_call(app: &App) -> Vec<String> {
    let before = app.printed().len();
    app.main().await;
    app.printed().split_off(before)
}

#[tokio::test]
async fn what_differs_from_call_to_call_differs_at_the_top_level_too() {
    const CALLS: usize = 8;
    for pool in POOLS {
        for (name, value) in DIFFERENT {
            let imports = if value.contains("lib.") || value.contains("outer.") { LIBRARIES } else { "" };
            let app = app(pool, imports, &loads(value));
            let mut seen = BTreeSet::new();
            for _ in 0..CALLS {
                seen.insert(format!("{:?}", app.main().await));
            }
            assert_eq!(seen.len(), CALLS, "{name} in {pool}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn a_source_that_asks_for_what_may_differ_asks_in_each_call() {
    for (name, value) in ASKED.iter().chain(DIFFERENT.iter().filter(|(_, value)| !value.contains("lib."))) {
        let imports = if value.contains("outer.") { LIBRARIES } else { "" };
        let app = app("{type: lazy, max_size: 1}", imports, &loads(value));
        app.main().await;
        for _ in 0..3 {
            let printed = printed_by_a_call(&app).await;
            assert_eq!(printed.last().map(String::as_str), Some("main loads"), "{name}: {printed:?}");
        }
    }
}

#[tokio::test]
async fn a_source_that_asks_for_nothing_is_loaded_once_for_all_calls_and_workers() {
    for pool in POOLS {
        for (name, value) in TIMELESS {
            let app = app(pool, "pure: 'app:pure'", &loads(value));
            let first = app.main().await;
            let calls = (0..8).map(|_| app.spawn("app:main", &[]));
            for call in calls.collect::<Vec<_>>() {
                assert_eq!(call.await.expect("no panic"), Ok(first.clone()), "{name} in {pool}");
            }
            assert_eq!(app.printed(), ["pure loads", "main loads"], "{name} in {pool}");
        }
    }
}

#[tokio::test]
async fn what_comes_after_a_library_that_asks_is_loaded_in_each_call_and_what_comes_before_is_not() {
    let app = app("{type: static, size: 1}", LIBRARIES, &loads("pure.two"));
    app.main().await;
    for _ in 0..3 {
        assert_eq!(printed_by_a_call(&app).await, ["lib loads", "outer loads", "main loads"]);
    }
}

#[tokio::test]
async fn a_context_read_at_the_top_level_is_the_calls_own() {
    for pool in POOLS {
        let app = app(pool, "", &loads("ctx.get('user')"));
        for user in ["ada", "grace", "ada"] {
            let call = Call::new("app:main").context("user", user);
            assert_eq!(app.runtime.call_with(call).await, Ok(user.into()), "{pool}");
        }
        assert_eq!(app.main().await, Value::Nil, "{pool}");
    }
}

#[tokio::test]
async fn an_entry_read_at_the_top_level_is_the_current_one() {
    for pool in POOLS {
        let app = app(pool, "", &loads("registry.get('app:setting').data.source"));
        assert_eq!(app.main().await, "return 'old'".into());
        let id = EntryId::parse("app:setting").expect("a valid id");
        let new = Entry::new(id, "library.lua").with_field("source", "return 'new'");
        app.runtime.registry().apply(&[Operation::Update(Arc::new(new))], None).expect("it is applied");
        assert_eq!(app.main().await, "return 'new'".into(), "{pool}");
    }
}

#[tokio::test]
async fn operations_started_at_the_top_level_are_each_calls_own() {
    for pool in POOLS {
        for (name, start, wait) in [
            ("a call", "funcs.async('app:fine'):response()", "return (operation:receive():data())"),
            ("a timer", "time.after(1)", "operation:receive() return 'fine'"),
        ] {
            let main = format!("local operation = {start} return function() {wait} end");
            let app = app(pool, "", &main);
            for _ in 0..4 {
                assert_eq!(app.main().await, "fine".into(), "{name} in {pool}");
            }
        }
    }
}

#[tokio::test]
async fn an_operation_started_at_the_top_level_of_an_inline_entry_ends_in_the_first_call() {
    let main = "local operation = time.after(1) return function() return operation:receive() and true end";
    assert_eq!(app("{type: inline}", "", main).main().await, true.into());
}

#[tokio::test]
async fn an_inline_pool_loads_once_for_all_calls_that_share_its_state() {
    let app = app("{type: inline}", LIBRARIES, &loads("lib.id .. outer.id"));
    let first = app.main().await;
    assert_eq!(app.main().await, first);
    assert_eq!(printed_by_a_call(&app).await, [""; 0]);
}

// Random numbers.

#[tokio::test]
async fn no_two_calls_draw_the_same_random_numbers() {
    for pool in POOLS.iter().chain(&["{type: inline}"]) {
        for source in [
            "return function() return math.random(0) end",
            "math.random(0) return function() return math.random(0) end",
        ] {
            let app = App::entries(&[
                ("one", "function", &format!("pool: {pool}"), source),
                ("other", "function", &format!("pool: {pool}"), source),
            ]);
            let calls = (0..40).map(|n| app.spawn(if n % 2 == 0 { "app:one" } else { "app:other" }, &[]));
            let mut drawn = BTreeSet::new();
            for call in calls.collect::<Vec<_>>() {
                drawn.insert(call.await.expect("no panic").expect("it succeeds").as_integer());
            }
            assert_eq!(drawn.len(), 40, "{pool}: {source}");
        }
    }
}
