//! How many calls run at once, and what becomes of those that wait.

use super::{WAITS, app, waiting};
use perilune::{Call, Kind};
use perilune_tests::limit;
use std::time::Duration;

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
