//! Entries that change, go, or fail to load.

use super::{app, entry, update, waiting};
use perilune::{Call, EntryId, Kind, Operation, Value};
use perilune_tests::{App, limit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_under_load_fails_no_call_and_reaches_those_that_begin_after_it() {
    let version = |n: i64| format!("return function() require('time').sleep(1000) return {n} end");
    let entry = |n: i64| {
        entry("main", "function.lua", &version(n)).with_field("modules", Value::Array(vec!["time".into()]))
    };
    let fields = "modules: [time], pool: {type: static, size: 2}";
    let app = App::entries(&[("main", "function", fields, &version(0))]);
    let (applied, over) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let lanes: Vec<_> = (0..8)
        .map(|_| {
            let (runtime, applied, over) = (app.runtime.clone(), applied.clone(), over.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    let least = applied.load(Ordering::SeqCst);
                    let seen = runtime.call("app:main", []).await.expect("no call fails");
                    assert!(seen.as_integer().is_some_and(|seen| seen >= least), "{seen:?} after {least}");
                }
            })
        })
        .collect();
    for n in 1..=25 {
        update(&app, entry(n));
        applied.store(n, Ordering::SeqCst);
        assert_eq!(app.main().await, n.into());
    }
    over.store(true, Ordering::SeqCst);
    for lane in lanes {
        lane.await.expect("every call succeeds");
    }
}

#[tokio::test]
async fn an_update_renews_the_pools_that_it_concerns_and_no_others() {
    let app = App::entries(&[
        ("lib", "library", "", "return {value = 'old'}"),
        ("outer", "library", "imports: {lib: 'app:lib'}", "return lib"),
        ("direct", "function", "imports: {lib: 'app:lib'}", "return function() return lib.value end"),
        ("indirect", "function", "imports: {outer: 'app:outer'}", "return function() return outer.value end"),
        ("apart", "function", "", "return function() return 'apart' end"),
    ]);
    for entry in ["app:direct", "app:indirect", "app:apart"] {
        app.call(entry, &[]).await.expect("it works");
    }
    update(&app, entry("lib", "library.lua", "return {value = 'new'}"));
    for (entry, result, calls) in
        [("app:direct", "new", 1), ("app:indirect", "new", 1), ("app:apart", "apart", 2)]
    {
        assert_eq!(app.call(entry, &[]).await, Ok(result.into()));
        assert_eq!(app.pool(entry).calls, calls, "{entry}");
    }
}

#[tokio::test]
async fn calls_that_run_or_wait_when_their_entry_is_removed_end_well() {
    let calls = waiting("pool: {type: static, size: 1}");
    let running = calls.begin(3, 1).await;
    calls.app.until("app:main", |stats| stats.queued == 2).await;
    let id = EntryId::parse("app:main").expect("a valid id");
    calls.app.runtime.registry().apply(&[Operation::Delete(id)], None).expect("it is applied");
    assert_eq!(calls.app.main_fails().await.kind, Kind::NotFound);
    assert!(calls.app.pools().is_empty());
    calls.finish(running).await;
}

// Entries that fail to load.

/// A source, and the kind of failure that each call of it gets.
const BROKEN: &[(&str, &str, Kind)] = &[
    ("raises", "counter.next() error('broken')", Kind::Internal),
    (
        "raises an object",
        "counter.next() error(errors.new({message = 'broken', kind = 'Conflict'}))",
        Kind::Conflict,
    ),
    ("never ends", "counter.next() while true do end", Kind::Timeout),
    (
        "takes all memory",
        "counter.next() local t = {} while true do t[#t + 1] = ('x'):rep(99999) .. #t end",
        Kind::RateLimited,
    ),
    ("waits for ever", "counter.next() channel.new():receive()", Kind::Internal),
    ("nests without end", "counter.next() local function f() return 1 + f() end f()", Kind::Internal),
    ("has a broken library", "require('broken')", Kind::Internal),
    ("lacks its method", "return {other = function() end}", Kind::NotFound),
    ("returns nothing", "local function main() end", Kind::NotFound),
];

#[tokio::test]
async fn an_entry_that_fails_to_load_fails_every_call_in_the_same_way_until_it_is_fixed() {
    for pool in
        ["{type: static, size: 2}", "{type: lazy}", "{type: adaptive, warm_start: true}", "{type: inline}"]
    {
        for (name, source, kind) in BROKEN {
            let import =
                if source.contains("require('broken')") { ", imports: {broken: 'app:lib'}" } else { "" };
            let fields =
                format!("modules: [counter], pool: {pool}, limits: {{cpu: 500ms, memory: 16MiB}}{import}");
            let entries =
                [("lib", "library", "", "error('broken library')"), ("main", "function", &fields, *source)];
            let (app, _, counter) = app(&entries, 8);
            let failure = app.main_fails().await;
            assert_eq!(failure.kind, *kind, "{name} in {pool}: {failure:?}");
            let calls: Vec<_> = (0..100).map(|_| app.spawn("app:main", &[])).collect();
            for call in calls {
                let again = call.await.expect("no panic").expect_err("it fails again");
                if limit(&again) != Some("queue") {
                    assert_eq!(again, failure, "{name} in {pool}");
                }
            }
            assert!(counter.count() <= 2, "{name} in {pool}: it was loaded {} times", counter.count());
            update(&app, entry("main", "function.lua", "return function() return 'fixed' end"));
            assert_eq!(app.main().await, "fixed".into(), "{name} in {pool}");
        }
    }
}

/// Each caller has less time than the entry takes to load.
#[tokio::test]
async fn a_slow_load_goes_on_when_its_caller_gives_up() {
    let source = "local n = 0 for i = 1, 30000000 do n = n + i end return function() return 'loaded' end";
    let app = App::entries(&[("main", "function", "limits: {cpu: 30s}", source)]);
    for _ in 0..1000 {
        match app.runtime.call_with(Call::new("app:main").timeout(Duration::from_millis(10))).await {
            Ok(value) => return assert_eq!(value, "loaded".into()),
            Err(failure) => assert_eq!(failure.kind, Kind::Timeout),
        }
    }
    panic!("it never loads");
}
