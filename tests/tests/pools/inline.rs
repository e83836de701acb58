//! Pools without workers, and calls that lead back to their own pool.

use super::app;
use perilune::Value;
use perilune_tests::App;
use perilune_tests::gate::Gate;

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
