//! Pools from YAML to statistics: who runs, who waits, who is refused, and what happens when entries change or fail to load.

use perilune::{Call, EngineOptions, Entry, EntryId, Failure, Kind, Operation, Value};
use perilune_tests::counter::Counter;
use perilune_tests::gate::Gate;
use perilune_tests::{App, Definition, limit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

type Calls = Vec<JoinHandle<Result<Value, Failure>>>;

/// Counts, then waits at the gate, then returns its argument.
const WAITS: &str = "return function(...) require('counter').next() require('gate').wait() return ... end";

struct Waiting {
    app: App,
    gate: Gate,
    counter: Counter,
}

/// `app:main`, whose calls wait at a gate, with these fields.
fn waiting(fields: &str) -> Waiting {
    let (gate, counter) = (Gate::default(), Counter::default());
    let fields = format!("modules: [gate, counter], {fields}");
    let app = App::entries_with(&[("main", "function", &fields, WAITS)], |builder| {
        builder.module(gate.module()).module(counter.module())
    });
    Waiting { app, gate, counter }
}

impl Waiting {
    /// Begins so many calls, and waits until so many of them are at the gate.
    async fn begin(&self, calls: usize, at_gate: usize) -> Calls {
        let calls = (0..calls).map(|n| self.app.spawn("app:main", &[Value::from(n as i64)])).collect();
        for _ in 0..at_gate {
            self.gate.entered().await;
        }
        calls
    }

    /// Lets all calls end well.
    async fn finish(&self, calls: Calls) {
        calls.iter().for_each(|_| self.gate.open());
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.await.expect("no panic"), Ok(Value::from(n as i64)));
        }
    }
}

/// Entries with small engines, modules `gate` and `counter`.
fn app(entries: &[Definition<'_>], max_cells: u32) -> (App, Gate, Counter) {
    let (gate, counter) = (Gate::default(), Counter::default());
    let app = App::entries_with(entries, |builder| {
        builder
            .engine(EngineOptions { max_cells, ..EngineOptions::default() })
            .module(gate.module())
            .module(counter.module())
    });
    (app, gate, counter)
}

fn entry(name: &str, kind: &str, source: &str) -> Entry {
    let id = EntryId::parse(&format!("app:{name}")).expect("a valid id");
    let entry = Entry::new(id, kind).with_field("source", source);
    if kind == "function.lua" { entry.with_field("method", "main") } else { entry }
}

fn update(app: &App, entry: Entry) {
    app.runtime.registry().apply(&[Operation::Update(Arc::new(entry))], None).expect("it is applied");
}

// How many run at once.

#[tokio::test]
async fn a_pool_runs_as_many_calls_at_once_as_it_says_and_the_rest_wait() {
    for (pool, most) in [
        ("{type: static, size: 2}", 2),
        ("{type: static, workers: 3}", 3),
        ("{type: static}", 8),
        ("{type: lazy, max_size: 2}", 2),
        ("{type: lazy}", 16),
        ("{type: adaptive, size: 2, max_size: 2}", 2),
        ("{workers: 2, max_size: 2}", 2),
    ] {
        let calls = waiting(&format!("pool: {pool}"));
        let running = calls.begin(most + 2, most).await;
        let stats = calls.app.until("app:main", |stats| stats.queued == 2).await;
        assert_eq!((stats.limit, stats.busy), (most as u32, most as u32), "{pool}");
        assert_eq!(calls.counter.count(), most as i64, "{pool}");
        calls.finish(running).await;
        let stats = calls.app.pool("app:main");
        assert_eq!((stats.calls, stats.busy, stats.queued), (most as u64 + 2, 0, 0), "{pool}");
    }
}

#[tokio::test]
async fn an_adaptive_pool_grows_to_its_most_for_calls_that_never_end() {
    for (pool, most) in [("{}", 16), ("{type: adaptive}", 16), ("{size: 1, max_size: 5}", 5)] {
        let calls = waiting(&format!("pool: {pool}"));
        let running = calls.begin(20, most).await;
        let stats = calls.app.pool("app:main");
        assert_eq!((stats.limit, stats.queued), (most as u32, 20 - most), "{pool}");
        calls.finish(running).await;
    }
}

#[tokio::test]
async fn calls_of_one_pool_do_not_wait_for_those_of_another() {
    let fields = "modules: [gate, counter], pool: {type: static, size: 1}";
    let entries = [
        ("main", "function", fields, WAITS),
        ("other", "function", fields, "return function() return 1 end"),
    ];
    let (app, gate, _) = app(&entries, 8);
    let running = app.spawn("app:main", &[]);
    gate.entered().await;
    assert_eq!(app.call("app:other", &[]).await, Ok(1.into()));
    gate.open();
    running.await.expect("no panic").expect("it succeeds");
}

// The queue.

#[tokio::test]
async fn a_call_that_finds_the_queue_full_is_refused_by_name() {
    for (pool, buffer) in [
        ("{type: static, size: 1, buffer: 2}", 2),
        ("{type: static, size: 1, buffer: 1}", 1),
        ("{type: static, size: 1}", 64),
        ("{type: adaptive, size: 1, max_size: 1, buffer: 3}", 3),
        ("{type: lazy, max_size: 1}", 64),
    ] {
        let calls = waiting(&format!("pool: {pool}"));
        let running = calls.begin(1 + buffer, 1).await;
        calls.app.until("app:main", |stats| stats.queued == buffer).await;
        let failure = calls.app.main_fails().await;
        assert_eq!((failure.kind.clone(), failure.retryable), (Kind::Unavailable, Some(true)), "{pool}");
        assert_eq!(limit(&failure), Some("queue"), "{pool}");
        assert!(failure.message.starts_with("app:main: 1 call is running and "), "{}", failure.message);
        calls.finish(running).await;
        assert_eq!(calls.app.pool("app:main").refused, 1, "{pool}");
        assert_eq!(calls.counter.count(), 1 + buffer as i64, "{pool}: it never ran");
    }
}

#[tokio::test]
async fn waits_are_measured() {
    let calls = waiting("pool: {type: static, size: 1}");
    calls.finish(calls.begin(1, 1).await).await;
    assert_eq!(calls.app.pool("app:main").waits.longest, Duration::ZERO, "nobody waited");
    let running = calls.begin(4, 1).await;
    calls.app.until("app:main", |stats| stats.queued == 3).await;
    calls.finish(running).await;
    let waits = calls.app.pool("app:main").waits;
    assert!(waits.longest > Duration::ZERO, "{waits:?}");
    assert!(waits.p50 > Duration::ZERO && waits.p50 <= waits.p99 && waits.p99 <= waits.longest, "{waits:?}");
}

#[tokio::test]
async fn a_callers_timeout_counts_the_wait() {
    let calls = waiting("pool: {type: static, size: 1}");
    let running = calls.begin(1, 1).await;
    let call = Call::new("app:main").timeout(Duration::from_millis(20));
    let failure = calls.app.runtime.call_with(call).await.expect_err("the place is taken");
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Timeout, Some("timeout")));
    assert!(failure.message.contains("in the queue"), "{}", failure.message);
    calls.finish(running).await;
    let stats = calls.app.pool("app:main");
    assert_eq!((stats.timed_out, stats.queued, calls.counter.count()), (1, 0, 1));
}

#[tokio::test]
async fn an_entrys_timeout_counts_the_wait() {
    let calls = waiting("pool: {type: static, size: 1}, limits: {timeout: 50ms}");
    for call in calls.begin(4, 1).await {
        let failure = call.await.expect("no panic").expect_err("nobody opens the gate");
        assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Timeout, Some("timeout")));
    }
    let stats = calls.app.pool("app:main");
    assert!(stats.timed_out >= 1, "at least the last one never had a place: {stats:?}");
    assert_eq!(stats.calls + stats.timed_out, 4);
}

#[tokio::test]
async fn cancelled_calls_leave_the_queue_and_never_run() {
    let calls = waiting("pool: {type: static, size: 1}");
    let mut running = calls.begin(6, 1).await;
    calls.app.until("app:main", |stats| stats.queued == 5).await;
    running.drain(2..5).for_each(|call| call.abort());
    calls.app.until("app:main", |stats| stats.queued == 2 && stats.cancelled == 3).await;
    running.iter().for_each(|_| calls.gate.open());
    for call in running {
        call.await.expect("no panic").expect("it succeeds");
    }
    assert_eq!(calls.counter.count(), 3);
}

#[tokio::test]
async fn a_future_that_is_canceled_in_lua_leaves_the_queue_and_never_runs() {
    let main = "local funcs = require('funcs')
        return function()
          local first = funcs.async('app:waits')
          require('gate').entered()
          local second, third = funcs.async('app:waits', 2), funcs.async('app:waits', 3)
          second:cancel()
          require('gate').open()
          require('gate').open()
          return (third:response():receive():data())
        end";
    let entries = [
        ("main", "function", "modules: [funcs, gate]", main),
        ("waits", "function", "modules: [gate, counter], pool: {type: static, size: 1}", WAITS),
    ];
    let (app, _, counter) = app(&entries, 8);
    assert_eq!(app.main().await, 3.into());
    assert_eq!(counter.count(), 2);
}

// Inline.

const COUNTS: &str = "local calls = 0
    return function(what)
      calls = calls + 1
      if what == 'wait' then require('gate').wait() end
      if what == 'nest' then return {calls, require('funcs').call('app:main')} end
      if what == 'raise' then error('raised') end
      if what == 'spin' then while true do end end
      return calls
    end";

fn inline() -> (App, Gate) {
    let fields = "modules: [gate, funcs], limits: {cpu: 50ms}, pool: {type: inline}";
    let (app, gate, _) = app(&[("main", "function", fields, COUNTS)], 8);
    (app, gate)
}

#[tokio::test]
async fn an_inline_pool_keeps_state_between_calls() {
    let (app, _) = inline();
    for calls in 1..=5 {
        assert_eq!(app.main().await, calls.into());
    }
    let stats = app.pool("app:main");
    assert_eq!((stats.workers, stats.created, stats.reset), (1, 1, 0));
}

#[tokio::test]
async fn a_nested_call_of_an_inline_entry_has_a_state_of_its_own() {
    let (app, _) = inline();
    assert_eq!(app.main().await, 1.into());
    assert_eq!(app.call("app:main", &["nest".into()]).await, Ok(Value::Array(vec![2.into(), 1.into()])));
    assert_eq!(app.main().await, 3.into(), "the inner call did not count");
}

#[tokio::test]
async fn concurrent_calls_of_an_inline_entry_have_states_of_their_own() {
    let (app, gate) = inline();
    assert_eq!(app.main().await, 1.into());
    let running = app.spawn("app:main", &["wait".into()]);
    gate.entered().await;
    assert_eq!(app.main().await, 1.into());
    assert_eq!(app.main().await, 1.into());
    gate.open();
    assert_eq!(running.await.expect("no panic"), Ok(2.into()));
    assert_eq!(app.main().await, 3.into());
}

#[tokio::test]
async fn an_inline_pool_keeps_its_state_after_an_error_and_starts_anew_after_a_death() {
    let (app, gate) = inline();
    app.call("app:main", &["raise".into()]).await.expect_err("it raises");
    assert_eq!(app.main().await, 2.into());
    app.call("app:main", &["spin".into()]).await.expect_err("it is stopped");
    assert_eq!(app.main().await, 1.into());
    let running = app.spawn("app:main", &["wait".into()]);
    gate.entered().await;
    running.abort();
    gate.left().await;
    assert_eq!(app.main().await, 1.into(), "a call that was cut off takes its state with it");
}

// Calls that lead back to their own pool.

const DESCENDS: &str = "return function(depth, other)
      if depth == 0 then return 0 end
      local below, err = require('funcs').call(other, depth - 1, 'app:main')
      if err then return nil, err end
      return below + 1
    end";

#[tokio::test]
async fn calls_back_to_the_same_pool_do_not_wait_for_themselves() {
    for pool in
        ["{type: static, size: 1}", "{type: lazy, max_size: 1}", "{size: 1, max_size: 1}", "{type: inline}"]
    {
        let fields = format!("modules: [funcs], pool: {pool}");
        let entries = [
            ("main", "function", fields.as_str(), DESCENDS),
            ("other", "function", fields.as_str(), DESCENDS),
        ];
        let (app, ..) = app(&entries, 64);
        for other in ["app:main", "app:other"] {
            let args = [Value::from(7), other.into()];
            assert_eq!(app.call("app:main", &args).await, Ok(7.into()), "{pool}, {other}");
            let calls: Vec<_> = (0..4).map(|_| app.spawn("app:main", &args)).collect();
            for call in calls {
                assert_eq!(call.await.expect("no panic"), Ok(7.into()), "{pool}, {other}, several at once");
            }
        }
    }
}

// Changes.

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

// Warming.

#[tokio::test]
async fn warming_makes_the_workers_that_pools_ask_for_and_goes_on_after_a_failure() {
    let source = "return function() return 1 end";
    let broken = "error('broken')";
    let (app, ..) = app(
        &[
            ("a_broken", "function", "pool: {type: static, size: 2}", broken),
            ("adaptive", "function", "pool: {size: 2, max_size: 4, warm_start: true}", source),
            ("cold", "function", "pool: {size: 2}", source),
            ("fixed", "function", "pool: {type: static, size: 3}", source),
            ("inline", "function", "pool: {type: inline, warm_start: true}", source),
            ("lazy", "function", "pool: {type: lazy, size: 2, max_size: 4, warm_start: true}", source),
            ("lazy_cold", "function", "pool: {type: lazy}", source),
        ],
        64,
    );
    assert!(app.pools().is_empty(), "nothing is made before");
    app.runtime.warm().await;
    let warm = [
        ("a_broken", 0),
        ("adaptive", 2),
        ("cold", 0),
        ("fixed", 3),
        ("inline", 1),
        ("lazy", 2),
        ("lazy_cold", 0),
    ];
    for (name, ready) in warm {
        let stats = app.pool(&format!("app:{name}"));
        assert_eq!((stats.ready, stats.workers, stats.calls), (ready, ready, 0), "{name}");
    }
    for (name, ready) in warm.into_iter().filter(|(name, _)| *name != "a_broken") {
        let name = format!("app:{name}");
        assert_eq!(app.call(&name, &[]).await, Ok(1.into()));
        if ready > 0 {
            assert_eq!(app.pool(&name).created, u64::from(ready), "{name}: the call took a warm one");
        }
    }
}

// Idle workers.

#[tokio::test]
async fn idle_workers_are_given_up_after_their_time_and_made_again_when_needed() {
    for pool in ["{type: lazy, idle_timeout: 10ms}", "{type: adaptive, idle_timeout: 10ms}"] {
        let fields = format!("pool: {pool}");
        let app = App::entries(&[("main", "function", &fields, "return function() return 1 end")]);
        for _ in 0..3 {
            assert_eq!(app.main().await, 1.into());
            let stats = app.until("app:main", |stats| stats.workers == 0).await;
            assert_eq!(stats.created, stats.retired, "{pool}");
            assert!(stats.reaped > 0, "{pool}: {stats:?}");
        }
    }
}

// More pools than places for cells.

/// Functions `app:f0` and so on with the pools in turn; every third asks for the time when it loads.
fn crowd(count: usize, pools: &[&str], max_cells: u32) -> App {
    let names: Vec<_> = (0..count).map(|n| format!("f{n}")).collect();
    let fields: Vec<_> =
        (0..count).map(|n| format!("modules: [time], pool: {}", pools[n % pools.len()])).collect();
    let source = |n: usize| {
        let top = if n.is_multiple_of(3) { "local at = require('time').now()" } else { "" };
        format!("{top} local calls = 0 return function() calls = calls + 1 return calls end")
    };
    let sources: Vec<_> = (0..count).map(source).collect();
    let entries: Vec<_> = (0..count)
        .map(|n| (names[n].as_str(), "function", fields[n].as_str(), sources[n].as_str()))
        .collect();
    app(&entries, max_cells).0
}

const ALL_CLEAN: &[&str] =
    &["{type: lazy}", "{type: static, size: 2}", "{type: adaptive}", "{type: static, size: 1}"];

#[tokio::test]
async fn idle_cells_of_other_pools_make_room() {
    for max_cells in [1, 2, 4] {
        let app = crowd(12, ALL_CLEAN, max_cells);
        for round in 0..4 {
            for n in 0..12 {
                assert_eq!(
                    app.call(&format!("app:f{n}"), &[]).await,
                    Ok(1.into()),
                    "round {round}, {max_cells} cells"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_entries_called_at_once_share_a_few_places() {
    for max_cells in [1, 8] {
        let app = crowd(200, ALL_CLEAN, max_cells);
        for round in 0..3 {
            let calls: Vec<_> = (0..200).map(|n| app.spawn(&format!("app:f{n}"), &[])).collect();
            for call in calls {
                assert_eq!(call.await.expect("no panic"), Ok(1.into()), "round {round}, {max_cells} cells");
            }
        }
    }
}

#[tokio::test]
async fn a_host_without_room_makes_no_spares_at_the_cost_of_others() {
    let app = crowd(2, &["{type: static, size: 1}"], 2);
    app.runtime.warm().await;
    for _ in 0..50 {
        assert_eq!(app.call("app:f1", &[]).await, Ok(1.into()));
        // A call that came while the only worker is cleaned would need room itself.
        app.until("app:f1", |pool| pool.ready == 1).await;
    }
    assert_eq!(app.pool("app:f0").retired, 0);
}
