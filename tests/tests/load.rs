//! Many calls at once.

use perilune::Value;
use perilune_tests::App;

/// Far more calls than the pool and the host have room for: they queue, and every one gets its own result.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_calls_at_once_all_return() {
    let source = "return function(n) require('time').sleep('1ms') return n * 2 end";
    let app = App::entries(&[("main", "function", "modules: [time], pool: {max_size: 32}", source)]);
    let calls: Vec<_> = (0..2000)
        .map(|n: i64| {
            let runtime = app.runtime.clone();
            tokio::spawn(async move { (n, runtime.call("app:main", [Value::from(n)]).await) })
        })
        .collect();
    for call in calls {
        let (n, result) = call.await.expect("no panic");
        assert_eq!(result, Ok(Value::from(n * 2)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_may_start_hundreds_of_others() {
    let files = [(
        "app.yaml",
        "
namespace: app
entries:
  - {name: twice, kind: function.lua, method: main, source: 'return function(n) return n * 2 end'}
  - name: main
    kind: function.lua
    method: main
    modules: [funcs]
    source: |
      local funcs = require('funcs')
      return function()
        local futures, sum = {}, 0
        for n = 1, 500 do futures[n] = funcs.async('app:twice', n) end
        for _, future in ipairs(futures) do sum = sum + future:response():receive():data() end
        return sum
      end
",
    )];
    assert_eq!(App::new(&files).main().await, Value::from(500 * 501));
}
