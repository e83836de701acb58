//! Module `metrics`, as Lua and the host see it.

use perilune_tests::web::{Web, Wire};
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

#[tokio::test]
async fn servers_count_their_requests_by_method_route_and_status() {
    let entries = [
        "{name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true}}",
        "{name: v1, kind: http.router, server: web, prefix: /v1, middleware: [metrics]}",
        "{name: item, kind: http.endpoint, meta: {router: v1}, method: GET, path: '/items/{id}', func: main}",
    ];
    let source = "return function() local res = require('http').response()\n\
                  if require('http').request():param('id') == '3' then res:set_status(404) end res:write('x') end";
    let web = Web::of(&entries, "{name: main, modules: [http]", source, |builder| builder).await;
    for id in [1, 2, 3] {
        web.get(&format!("/v1/items/{id}")).await;
    }
    web.get("/v1/nothing-of-this-name").await;
    let mut strange = Wire::connect(web.address).await;
    strange.send("BREW /v1/items/1 HTTP/1.1\r\nHost: test\r\n\r\n").await;
    strange.answer().await;
    let lines = |beginning: &str| {
        let metrics = web.app.runtime.metrics();
        let mut lines: Vec<String> =
            metrics.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(
        lines("http_requests_total"),
        [
            r#"http_requests_total{method="GET",route="/v1/items/{id}",status="200"} 2"#,
            r#"http_requests_total{method="GET",route="/v1/items/{id}",status="404"} 1"#,
            r#"http_requests_total{method="GET",route="none",status="404"} 1"#,
            r#"http_requests_total{method="other",route="none",status="405"} 1"#,
        ]
    );
    let counted = lines("http_request_duration_seconds_count");
    assert!(counted[0].ends_with(r#"route="/v1/items/{id}",status="200"} 2"#), "{counted:?}");
    assert_eq!(lines("http_requests_in_flight"), ["http_requests_in_flight 0"]);
}

#[tokio::test]
async fn a_request_whose_client_goes_away_is_counted_as_such() {
    let entries = [
        "{name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true}}",
        "{name: v1, kind: http.router, server: web, prefix: /v1, middleware: [metrics]}",
        "{name: never, kind: http.endpoint, meta: {router: v1}, method: GET, path: /never, func: wait}",
        "{name: wait, kind: function.lua, source: 'return function() require(\"time\").sleep(\"10m\") end', method: main, modules: [time]}",
    ];
    let web = Web::of(&entries, "{name: main", "return print", |builder| builder).await;
    let shows = async |line: &str| {
        perilune_tests::eventually(line, async || web.app.runtime.metrics().contains(line)).await;
    };
    let mut wire = Wire::connect(web.address).await;
    wire.send("GET /v1/never HTTP/1.1\r\nHost: test\r\n\r\n").await;
    shows("http_requests_in_flight 1\n").await;
    drop(wire);
    shows("http_requests_total{method=\"GET\",route=\"/v1/never\",status=\"499\"} 1\n").await;
    shows("http_requests_in_flight 0\n").await;
}
