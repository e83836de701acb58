//! Module `metrics`, as Lua and the host see it.

use perilune_tests::{App, lua_tests};

lua_tests! {
    everything_can_be_recorded("metrics") r#"
        local metrics = require("metrics")
        assert(metrics.counter_inc("c") == true and metrics.counter_add("c", 2, { a = "b" }) == true)
        assert(metrics.gauge_set("g", 1.5) and metrics.gauge_inc("g") and metrics.gauge_dec("g", { a = "b", n = 1, f = print }))
        assert(metrics.histogram("h", 0.1, { route = "/" }))
    "#

    wrong_arguments_are_invalid("metrics") r#"
        local metrics = require("metrics")
        for _, problem in ipairs({
            select(2, metrics.counter_inc(5)), select(2, metrics.counter_add("c", "1")), select(2, metrics.counter_add("c", -1)),
            select(2, metrics.gauge_set("g")), select(2, metrics.gauge_set("g", 1, "x")), select(2, metrics.histogram("h", 0 / 0)),
        }) do
            assert(problem:kind() == errors.INVALID, tostring(problem))
        end
        metrics.counter_inc("name")
        assert(select(2, metrics.gauge_inc("name")):kind() == errors.CONFLICT)
    "#

    labels_with_ids_end_at_the_bound("metrics") r#"
        local metrics = require("metrics")
        local err
        for i = 1, 1001 do
            local fine
            fine, err = metrics.counter_inc("requests", { id = tostring(i) })
            assert(fine or i == 1001)
        end
        assert(err:kind() == errors.RATE_LIMITED and err:details().limit == "series", tostring(err))
    "#
}

#[tokio::test]
async fn the_host_shows_what_entries_recorded() {
    let source = "return function() require('metrics').counter_inc('orders', { shop = 'moon' }) end";
    let app = App::entries(&[
        ("a", "function", "modules: [metrics]", source),
        ("b", "function", "modules: [metrics]", source),
    ]);
    for entry in ["app:a", "app:b", "app:a"] {
        app.call(entry, &[]).await.expect("it counts");
    }
    let metrics = app.runtime.metrics();
    assert!(metrics.contains("# TYPE orders counter\norders{shop=\"moon\"} 3\n"), "{metrics}");
    // Another host knows nothing of it.
    assert!(!App::lua("", "").runtime.metrics().contains("orders"));
}
