//! Module `http` and the kinds behind it, as Lua sees them. Servers, routes and middleware have their own tests beside crate
//! `perilune-http`, which also say what malformed requests come to.

use perilune::{Entry, EntryId, HttpService, Operation, Value};
use perilune_tests::gate::Gate;
use perilune_tests::web::{Answer, Web};
use std::sync::Arc;

const JSON: &str = "Content-Type: application/json\r\n";

/// Declares tests of one request: modules, the request, and Lua that checks itself and may answer. A test that answers nothing is
/// answered `ok`.
macro_rules! request_tests {
    ($($name:ident ($modules:literal) $request:expr, $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            let answer = checked($modules, $body, &$request).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
        })*
    };
}

/// What a function answers that begins with `req` and `res`, or what it raised.
async fn checked(modules: &str, body: &str, request: &str) -> Answer {
    let source = format!(
        "local http = require('http')\n\
         local function check(req, res)\n{body}\nend\n\
         return function()\n\
         local res = assert(http.response())\n\
         local fine, problem = pcall(check, assert(http.request()), res)\n\
         res:write(fine and 'ok' or tostring(problem))\n\
         end"
    );
    let web = Web::function(modules, &source).await;
    let mut wire = web.connect().await;
    wire.send(request).await;
    wire.answer().await
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: example.com:81\r\n{headers}\r\n")
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn form() -> String {
    let part = |headers: &str, body: &str| {
        format!("--X\r\nContent-Disposition: form-data; {headers}\r\n\r\n{body}\r\n")
    };
    let body = [
        part("name=\"one\"", "1"),
        part("name=\"many\"", "a"),
        part("name=\"many\"", "b"),
        part("name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\nX-Note: yes", "first\nsecond"),
        part("name=\"f\"; filename=\"b.bin\"", "\0\u{1}"),
    ]
    .concat();
    post("/a", "Content-Type: multipart/form-data; boundary=X\r\n", &format!("{body}--X--\r\n"))
}

request_tests! {
    a_request_answers_questions("") get(
        "/a/x%20y?q=1&list=a&list=b&q=2&empty=",
        "X-Many: 1\r\nx-many: 2\r\nAccept: text/html, application/json;q=0.5\r\nContent-Type: Text/Plain; charset=utf-8\r\n",
    ), r#"
        assert(req:method() == http.METHOD.GET and req:path() == "/a/x%20y" and req:host() == "example.com:81")
        assert(req:remote_addr():match("^127%.0%.0%.1:%d+$"))
        assert(req:query("q") == "1" and req:query("empty") == "" and req:query("missing") == nil)
        local all = req:query_params()
        assert(all.q == "1,2" and all.list == "a,b" and all.empty == "")
        assert(req:header("x-many") == "1, 2" and req:header("X-MANY") == "1, 2" and req:header("missing") == nil)
        assert(req:content_type() == "Text/Plain; charset=utf-8")
        assert(req:is_content_type(http.CONTENT.TEXT) == true and req:is_content_type("text/html") == false)
        assert(req:accepts("application/json") == true and req:accepts("image/png") == false)
        assert(req:param("name") == "x y" and req:param("missing") == nil and req:params().name == "x y")
        assert(req:content_length() == 0 and req:has_body() == false)
    "#

    without_a_body_there_is_none_to_read("") get("/a", ""), r#"
        for _, read in ipairs({ "body", "body_json", "stream", "parse_multipart" }) do
            local nothing, err = req[read](req)
            assert(nothing == nil and err:kind() == errors.INVALID, read)
        end
        assert(req:content_type() == nil and req:accepts("text/html") == false and next(req:params()) == nil)
    "#

    a_body_is_bytes_and_read_once("") post("/a", "", "a\0b\u{ff}"), r#"
        assert(req:has_body() and req:content_length() == 5)
        assert(req:body() == "a\0b\xc3\xbf")
        local again, err = req:body()
        assert(again == nil and err:kind() == errors.INVALID)
        -- Another object is a view of the same request.
        assert(select(2, http.request():body()):kind() == errors.INVALID)
    "#

    json_is_decoded_whatever_the_content_type_says("") post("/a", "", r#"{"list": [1, 2.5, null], "none": null}"#), r#"
        local value = assert(req:body_json())
        assert(value.list[1] == 1 and math.type(value.list[1]) == "integer" and value.list[2] == 2.5 and value.none == nil)
    "#

    malformed_json_is_invalid("") post("/a", JSON, "{\"a\": "), r#"
        local value, err = req:body_json()
        assert(value == nil and err:kind() == errors.INVALID and err:message():find("no JSON"), tostring(err))
    "#

    json_nested_too_deep_is_invalid("") post("/a", JSON, &"[".repeat(10_000)), r#"
        assert(select(2, req:body_json()):kind() == errors.INVALID)
    "#

    json_may_be_null_or_any_other_value("") post("/a", JSON, " null "), r#"
        local value, err = req:body_json()
        assert(value == nil and err == nil)
    "#

    a_view_may_allow_less("") post("/a", "", "hello"), r#"
        local body, err = http.request({ max_body = 4 }):body()
        assert(body == nil and err:kind() == errors.INVALID and err:details().limit == "body")
    "#

    options_of_a_view_are_checked("") get("/a", ""), r#"
        for _, wrong in ipairs({ 5, { timeout = 0 }, { timeout = "1s" }, { max_body = -1 }, { max_body = 0/0 } }) do
            assert(not pcall(http.request, wrong))
        end
        assert(http.request({ timeout = 1.5, max_body = 10.0 }))
    "#

    a_body_is_a_stream("") post("/a", "", "first\nsecond\r\nthird"), r#"
        local stream = assert(req:stream())
        local stat = stream:stat()
        assert(stat.size == 19 and stat.readable and not stat.writable)
        assert(stream:read(3) == "fir")
        local lines, found = stream:scanner(), {}
        while lines:scan() do found[#found + 1] = lines:text() end
        assert(table.concat(found, "|") == "st|second|third")
        assert(stream:close() and select(2, stream:read(1)):kind() == errors.INVALID)
        assert(select(2, req:stream()):kind() == errors.INVALID)
    "#

    a_form_has_values_and_files("") form(), r#"
        local parts = assert(req:parse_multipart())
        assert(parts.values.one == "1" and parts.values.many[1] == "a" and parts.values.many[2] == "b")
        local text, binary = parts.files.f[1], parts.files.f[2]
        assert(text:name() == "a.txt" and text:size() == 12 and text:header("x-note") == "yes" and text:header("no") == nil)
        assert(binary:name() == "b.bin" and binary:stream():read() == "\0\1")
        local stream = assert(text:stream())
        assert(stream:seek("set", 6) == 6 and stream:read() == "second")
        -- Each stream begins anew.
        assert(text:stream():read(5) == "first")
    "#

    a_form_is_bounded_by_what_the_handler_allows("") form(), r#"
        local parts, err = req:parse_multipart(3)
        assert(parts == nil and err:kind() == errors.INVALID and err:details().limit == "memory", tostring(err))
    "#

    a_response_refuses_what_cannot_be("") get("/a", ""), r#"
        for _, err in ipairs({
            res:set_status(42), res:set_status(1 << 40), res:set_header("a b", "c"), res:set_header("a", "b\r\nc: d"),
            res:set_header("Transfer-Encoding", "chunked"), res:set_transfer("pigeon"),
            res:write_event({ name = "a" }), res:write_event({ data = 1 }), res:write_event({ name = "a\nb", data = 1 }),
            res:write_event({ name = "a", data = print }), res:write_json(print), res:write_json({ 1, nil, 3 }),
        }) do
            assert(err:kind() == errors.INVALID, tostring(err))
        end
        assert(not pcall(res.write, res) and not pcall(res.set_status, res, "x") and not pcall(res.write_event, res, 5))
        assert(not pcall(res.write, req, "x") and not pcall(req.method, res))
    "#

    the_head_is_open_until_the_body_begins("") get("/a", ""), r#"
        assert(res:set_status(http.STATUS.CREATED) == nil and res:set_status(200) == nil)
        assert(res:set_content_type("text/x") == nil and res:set_header("X-N", 5) == nil)
        assert(res:write("") == nil)
        for _, err in ipairs({ res:set_status(500), res:set_header("a", "b"), res:set_content_type("a/b"), res:set_transfer("sse") }) do
            assert(err:kind() == errors.INVALID)
        end
    "#

    constants_are_frozen("") get("/a", ""), r#"
        assert(http.STATUS.INTERNAL_ERROR == 500 and http.TRANSFER.SSE == "sse" and http.ERROR.PARSE_FAILED == "PARSE_FAILED")
        assert(not pcall(function() http.STATUS.OK = 1 end))
    "#

    objects_are_opaque_and_cannot_cross("funcs") get("/a", ""), r#"
        assert(type(req) == "userdata" and getmetatable(req) == "http.Request")
        assert(select(2, require("funcs").call("app:main", req)):kind() == errors.INVALID)
    "#

    a_function_that_is_called_has_no_exchange("funcs") get("/a", ""), r#"
        local said = assert(require("funcs").call("app:plain"))
        assert(said == "Internal/Internal", said)
    "#
}

#[tokio::test]
async fn a_call_that_was_not_entered_over_http_has_no_exchange() {
    let web = Web::function("", "return function() end").await;
    assert_eq!(web.app.call("app:plain", &[]).await, Ok(Value::from("Internal/Internal")));
}

#[tokio::test]
async fn what_a_function_returns_is_the_answer_unless_it_wrote_one() {
    for (body, status, kind, text) in [
        ("return { a = 1, list = { 1, 2 } }", 200, "application/json", r#"{"a":1,"list":[1,2]}"#),
        ("return 'text'", 200, "application/json", "\"text\""),
        ("return nil", 204, "", ""),
        ("res():write_json({ b = true }) return 1", 200, "application/json", r#"{"b":true}"#),
        (
            "res():set_content_type('application/problem+json') res():write_json({})",
            200,
            "application/problem+json",
            "[]",
        ),
        ("res():write('a') res():write('b') return 1", 200, "text/plain; charset=utf-8", "ab"),
        ("res():set_status(404) res():write('no')", 404, "text/plain; charset=utf-8", "no"),
        ("res():set_status(204) return 1", 204, "", ""),
        ("res():flush()", 200, "", ""),
    ] {
        let web =
            Web::function("", &format!("local res = require('http').response\nreturn function() {body} end"))
                .await;
        let answer = web.get("/a").await;
        assert_eq!(
            (answer.status, answer.header("content-type"), answer.text().as_str()),
            (status, kind, text),
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_error_is_a_number_for_the_client() {
    for body in
        ["error('the secret')", "return nil, errors.new('the secret')", "local x = nil; return x.secret"]
    {
        let answer = Web::function("", &format!("return function() {body} end")).await.get("/a").await;
        let id = answer.header("x-error-id");
        assert_eq!(answer.status, 500, "{body}");
        assert_eq!(answer.text(), format!(r#"{{"error":"internal server error","id":"{id}"}}"#));
    }
}

#[tokio::test]
async fn a_limit_of_the_function_is_not_the_clients_fault() {
    let spin =
        Web::entries("{name: main, limits: {timeout: 50ms}", "return function() while true do end end").await;
    assert_eq!(spin.get("/a").await.status, 504);
    let hog = "return function() local t = {} for i = 1, math.huge do t[i] = ('x'):rep(1000) .. i end end";
    assert_eq!(Web::entries("{name: main, limits: {memory: 8MiB}", hog).await.get("/a").await.status, 500);
}

#[tokio::test]
async fn a_full_pool_is_busy() {
    let gate = Gate::default();
    let web = Web::with(
        "{name: main, modules: [gate], pool: {type: static, size: 1, buffer: 1}",
        "return function() require('gate').wait() return 'done' end",
        |builder| builder.module(gate.module()),
    )
    .await;
    let first = web.spawn("/a");
    gate.entered().await;
    let second = web.spawn("/a");
    web.app.until("app:main", |stats| stats.queued == 1).await;
    let refused = web.get("/a").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    gate.open();
    gate.open();
    assert_eq!(first.await.expect("an answer").status, 200);
    assert_eq!(second.await.expect("an answer").status, 200);
}

#[tokio::test]
async fn each_request_finds_clean_memory() {
    let web =
        Web::function("", "local calls = 0\nreturn function() calls = calls + 1 return calls end").await;
    let mut wire = web.connect().await;
    for _ in 0..20 {
        wire.send(get("/a", "")).await;
        assert_eq!(wire.answer().await.text(), "1");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call() {
    let gate = Gate::default();
    for begins in ["", "res:write('x') res:flush()"] {
        let source = format!(
            "local http = require('http')\nreturn function() local res = http.response() {begins} require('gate').wait() end"
        );
        let web =
            Web::with("{name: main, modules: [http, gate]", &source, |builder| builder.module(gate.module()))
                .await;
        let mut wire = web.connect().await;
        wire.send(get("/a", "")).await;
        gate.entered().await;
        drop(wire);
        gate.left().await;
        web.app.until("app:main", |stats| stats.busy == 0).await;
    }
}

#[tokio::test]
async fn a_stopping_server_lets_calls_finish() {
    let gate = Gate::default();
    let web = Web::with(
        "{name: main, modules: [gate]",
        "return function() require('gate').wait() return 'done' end",
        |builder| builder.module(gate.module()),
    )
    .await;
    let answer = web.spawn("/a");
    gate.entered().await;
    let runtime = web.app.runtime.clone();
    let stopping = tokio::spawn(async move { runtime.stop().await });
    gate.open();
    assert_eq!(answer.await.expect("an answer").text(), "\"done\"");
    stopping.await.expect("it stops");
    assert!(tokio::net::TcpStream::connect(web.address).await.is_err());
}

#[tokio::test]
async fn large_answers_come_whole() {
    for (body, length) in [
        ("res:write(('x'):rep(1000000))", 1_000_000),
        ("res:write_json({ text = ('x'):rep(1000000) })", 1_000_011),
        ("for i = 1, 1000 do res:write(('x'):rep(1000)) end", 1_000_000),
        (
            "local out = res:stream() for i = 1, 10 do assert(out:write(('x'):rep(100000)) == 100000) end assert(out:flush())",
            1_000_000,
        ),
        ("res:write_event({ name = 'a', data = ('x'):rep(1000000) })", 1_000_019),
    ] {
        let source =
            format!("local http = require('http')\nreturn function() local res = http.response() {body} end");
        let answer = Web::function("", &source).await.get("/a").await;
        assert_eq!((answer.status, answer.body.len()), (200, length), "{body}");
    }
}

#[tokio::test]
async fn large_bodies_come_whole() {
    let source = "local http = require('http')\nreturn function() local req = http.request()\n\
                  if req:query('json') then return #req:body_json() end return #req:body() end";
    let web = Web::function("", source).await;
    let text = "x".repeat(2_000_000);
    let mut wire = web.connect().await;
    wire.send(post("/a", "", &text)).await;
    assert_eq!(wire.answer().await.text(), "2000000");
    wire.send(post("/a?json", "", &format!("\"{text}\""))).await;
    assert_eq!(wire.answer().await.text(), "2000000");
    // A cell takes no more than its memory: the error is its own, and it may handle it.
    let web = Web::entries(
        "{name: main, modules: [http], limits: {memory: 4MiB}",
        "local http = require('http')\n\
        return function() local body, err = http.request():body() return err:kind() end",
    )
    .await;
    let mut wire = web.connect().await;
    wire.send(post("/a", "", &"x".repeat(8_000_000))).await;
    assert_eq!(wire.answer().await.text(), "\"RateLimited\"");
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let gate = Gate::default();
    let source = "local http = require('http')\n\
        return function() local res = http.response()\n\
        res:write_event({ name = 'tick', data = { n = 1 } })\n\
        require('gate').wait()\n\
        res:write_event({ name = 'tick', data = 'two\\nlines' }) end";
    let web =
        Web::with("{name: main, modules: [http, gate]", source, |builder| builder.module(gate.module()))
            .await;
    let mut wire = web.connect().await;
    wire.send(get("/a", "")).await;
    let head = wire.head().await;
    assert_eq!(
        (head.header("content-type"), head.header("cache-control")),
        ("text/event-stream", "no-cache")
    );
    assert_eq!(wire.chunk().await.as_deref(), Some(&b"event: tick\ndata: {\"n\":1}\n\n"[..]));
    gate.entered().await;
    gate.open();
    assert_eq!(wire.chunk().await.as_deref(), Some(&b"event: tick\ndata: \"two\\nlines\"\n\n"[..]));
    assert_eq!(wire.chunk().await, None);
}

#[tokio::test]
async fn a_slow_client_holds_up_only_the_coroutine_that_writes() {
    let gate = Gate::default();
    // More than all buffers between the two hold.
    let source = "local http = require('http')\n\
        return function() local res = http.response()\n\
        local done = channel.new(1)\n\
        coroutine.spawn(function()\n\
          for i = 1, 2000 do res:write_event({ name = 'n', data = ('x'):rep(10000) }) end\n\
          done:send(true)\n\
        end)\n\
        require('gate').wait()\n\
        done:receive() end";
    let web =
        Web::with("{name: main, modules: [http, gate]", source, |builder| builder.module(gate.module()))
            .await;
    let mut wire = web.connect().await;
    wire.send(get("/a", "Connection: close\r\n")).await;
    // The client has taken nothing yet, and the other coroutine goes on.
    gate.entered().await;
    gate.open();
    gate.left().await;
    let answer = wire.answer().await;
    assert_eq!(answer.text().matches("event: n\n").count(), 2_000);
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let source =
        "local http = require('http')\nreturn function() http.response():write(('x'):rep(200000)) end";
    let web = Web::function("", source).await;
    let mut wire = web.connect().await;
    wire.send(get("/a", "").replace("GET", "HEAD")).await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("content-length")), (200, "200000"));
    wire.send(get("/a", "")).await;
    assert_eq!(wire.answer().await.body.len(), 200_000);
}

#[tokio::test]
async fn a_stream_of_one_call_is_closed_for_the_next() {
    let source = "local http = require('http')\nlocal kept\n\
        return function()\n\
        local first = kept == nil\n\
        if first then kept = http.request():stream() return 'first' end\n\
        local bytes, err = kept:read(1) return err:kind() .. ' ' .. http.request():body() end";
    let web = Web::entries("{name: main, modules: [http], pool: {type: inline}", source).await;
    let mut wire = web.connect().await;
    wire.send(post("/a", "", "one")).await;
    assert_eq!(wire.answer().await.text(), "\"first\"");
    wire.send(post("/a", "", "two")).await;
    assert_eq!(wire.answer().await.text(), "\"Invalid two\"");
}

#[tokio::test]
async fn calls_act_with_what_the_server_was_given() {
    let web = Web::of(
        &[
            "{name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true, security: {actor: {id: 'service:web'}, policies: [all]}}}",
            "{name: all, kind: security.policy, policy: {actions: '*', resources: '*', effect: allow}}",
        ],
        "{name: main, modules: [security]",
        "return function() return require('security').actor():id() end",
        |builder| builder,
    )
    .await;
    assert_eq!(web.get("/a").await.text(), "\"service:web\"");
}

#[tokio::test]
async fn routes_follow_the_registry() {
    let web = Web::function("", "return function() return 'new' end").await;
    assert_eq!(web.get("/b").await.status, 404);
    let entry = Entry::new(EntryId::new("app", "b").expect("an id"), "http.endpoint")
        .with_field("router", "api")
        .with_field("method", "GET")
        .with_field("path", "/b")
        .with_field("func", "main");
    web.app
        .runtime
        .registry()
        .apply(&[Operation::Create(Arc::new(entry))], None)
        .expect("the change is let in");
    assert_eq!(web.get("/b").await.text(), "\"new\"");
}

#[tokio::test]
async fn static_files_lie_beside_endpoints() {
    let web = Web::of(
        &[
            "{name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true}}",
            "{name: public, kind: fs.directory, directory: ./public, auto_init: true}",
            "{name: pages, kind: http.static, meta: {server: web}, path: /, fs: public}",
        ],
        "{name: main",
        "return function() return 'api' end",
        |builder| builder,
    )
    .await;
    perilune_tests::write(web.app.path(), &[("public/index.html", "<h1>page</h1>")]);
    assert_eq!(web.get("/a").await.text(), "\"api\"");
    let page = web.get("/").await;
    assert_eq!(
        (page.header("content-type"), page.text().as_str()),
        ("text/html; charset=utf-8", "<h1>page</h1>")
    );
}

#[tokio::test]
async fn a_server_says_where_it_listens() {
    let web = Web::function("", "return function() end").await;
    let service = web.app.runtime.resource::<HttpService>("app:web").expect("the server");
    assert_eq!(service.local_addr(), Some(web.address));
    let running: Vec<String> = web.app.runtime.services().await.iter().map(EntryId::to_string).collect();
    assert_eq!(running, ["app:web"]);
    web.app.runtime.stop().await;
    assert_eq!(service.local_addr(), None);
}
