//! Cells made beforehand, given up when idle, and shared among more pools than there are places.

use super::app;
use perilune_tests::App;

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
