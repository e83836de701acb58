//! Module `system`: what Lua learns of the pools.

use perilune::{PoolKind, Value};
use perilune_tests::App;

const YAML: &str = "
namespace: app
entries:
  - {name: fixed, kind: function.lua, method: main, pool: {type: static, size: 2}, source: 'return function(n) return n end'}
  - {name: kept, kind: function.lua, method: main, pool: {type: inline}, source: 'return function(n) return n end'}
  - name: main
    kind: function.lua
    method: main
    modules: [system, funcs]
    source: |
      local system, funcs = require('system'), require('funcs')
      return function(field)
        for n = 1, 5 do assert(funcs.call('app:fixed', n) == n) end
        assert(funcs.call('app:kept', 1) == 1)
        local by_entry = {}
        for _, pool in ipairs(system.pools()) do by_entry[pool.entry] = pool end
        local pool = by_entry['app:fixed']
        assert(math.type(pool.waits.p50) == 'integer' and pool.waits.p99 >= pool.waits.p50)
        assert(by_entry['app:main'].busy == 1 and by_entry['app:kept'].type == 'inline')
        return pool[field]
      end
";

async fn of_the_static_pool(field: &str) -> Value {
    App::new(&[("app.yaml", YAML)]).call("app:main", &[Value::from(field)]).await.expect("it answers")
}

#[tokio::test]
async fn it_tells_the_type() {
    assert_eq!(of_the_static_pool("type").await, Value::from("static"));
}

#[tokio::test]
async fn it_counts_calls() {
    assert_eq!(of_the_static_pool("calls").await, Value::from(5));
}

#[tokio::test]
async fn it_tells_how_many_may_run_at_once() {
    assert_eq!(of_the_static_pool("limit").await, Value::from(2));
}

#[tokio::test]
async fn it_counts_what_was_refused() {
    assert_eq!(of_the_static_pool("refused").await, Value::from(0));
}

#[tokio::test]
async fn the_image_has_a_size() {
    assert!(matches!(of_the_static_pool("image").await, Value::Integer(bytes) if bytes > 0));
}

#[tokio::test]
async fn the_library_shows_the_same() {
    let app = App::new(&[("app.yaml", YAML)]);
    app.call("app:main", &[Value::from("calls")]).await.expect("it answers");
    let pools = app.runtime.pools();
    let names: Vec<_> = pools.iter().map(|pool| (pool.entry.as_str(), pool.stats.kind)).collect();
    let expected =
        [("app:fixed", PoolKind::Static), ("app:kept", PoolKind::Inline), ("app:main", PoolKind::Adaptive)];
    assert_eq!(names, expected);
    assert_eq!(pools[0].stats.calls, 5);
}

#[tokio::test]
async fn it_is_there_only_where_it_is_listed() {
    let failure = App::lua("", "return require('system')").main_fails().await;
    assert!(failure.message.contains("system"), "{failure}");
}
