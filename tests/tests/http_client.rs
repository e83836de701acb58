//! Module `http_client`, against servers on this machine. Which addresses and names an allow-list admits has its own tests beside
//! crate `perilune-network`.

use crate::servers::{self, CA, CERT, KEY, Server, headers, pieces, serve, serve_bytes, serve_tls, text};
use flate2::Compression;
use flate2::write::GzEncoder;
use perilune::{Actor, Allowed, Authority, Call, Failure, Kind, Limits, Policy, Scope, Value};
use perilune_security::{Decision, Question, Rule};
use perilune_tests::{App, TIGHT, limit};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// An application whose function `app:main(base)` has `http` and `json`, on a host that allows these hosts.
fn app(allowed: &[&str], body: &str) -> App {
    app_with(allowed, "", body, Limits::DEFAULT)
}

/// [`app`] with a field of its entry, and limits.
fn app_with(allowed: &[&str], field: &str, body: &str, limits: Limits) -> App {
    let source = format!(
        "local http, json = require('http_client'), require('json')\nreturn function(base, more)\n{body}\nend\n"
    );
    let fields =
        format!("modules: [http_client, json, time]{}{field}", if field.is_empty() { "" } else { ", " });
    let network = allowed.iter().map(|&item| item.to_owned()).collect();
    App::entries_with(&[("main", "function", &fields, &source)], |builder| {
        builder.allow(Allowed { network, ..Allowed::default() }).limits(limits)
    })
}

async fn check(app: &App, base: &str) -> Value {
    match app.call("app:main", &[base.into()]).await {
        Ok(value) => value,
        Err(failure) => panic!("app:main succeeds: {failure:#?}"),
    }
}

/// What an application fails with that returns what `http.get(base)` returned.
async fn refusal(app: &App, url: &str) -> Failure {
    app.call("app:main", &[url.into()]).await.expect_err("the request is refused")
}

const GET: &str = "return http.get(base)";

/// `/echo` tells what was asked, `/to/CODE/URL` redirects, the rest is by name.
async fn site() -> Server {
    serve(|seen| async move {
        let mut words = seen.path[1..].splitn(3, '/');
        match (words.next().unwrap_or_default(), words.next(), words.next()) {
            ("status", Some(status), _) => text(status.parse().expect("a status"), "as asked"),
            ("to", Some(status), Some(location)) => {
                let location =
                    if location.contains("://") { location.to_owned() } else { format!("/{location}") };
                headers(status.parse().expect("a status"), &[("location", &location)])
            }
            ("loop", ..) => headers(302, &[("location", "/loop")]),
            ("never", ..) => std::future::pending().await,
            ("lines", ..) => pieces(&["one\nt", "wo\n", "three"], false),
            ("drip", ..) => pieces(&["first"], true),
            ("big", Some(bytes), _) => text(200, vec![b'x'; bytes.parse().expect("a number")]),
            ("bomb", ..) => compressed(&vec![0; 32 << 20]),
            ("gzip", ..) => compressed(b"hello, compressed"),
            ("headers", ..) => headers(
                200,
                &[
                    ("content-type", "text/plain"),
                    ("x-request-id", "7"),
                    ("x-request-id", "8"),
                    ("set-cookie", "a=1; Path=/"),
                    ("set-cookie", "b=x=y; HttpOnly"),
                    ("set-cookie", "a=2"),
                    ("set-cookie", "nonsense"),
                ],
            ),
            _ => text(200, echo(&seen)),
        }
    })
    .await
}

fn echo(seen: &servers::Seen) -> String {
    let headers: serde_json::Map<_, _> = seen
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    serde_json::json!({
        "method": seen.method, "path": seen.path, "headers": headers, "body": String::from_utf8_lossy(&seen.body),
    })
    .to_string()
}

fn compressed(bytes: &[u8]) -> hyper::Response<servers::Body> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    let mut response = text(200, encoder.finish().expect("memory takes it"));
    response.headers_mut().insert("content-encoding", hyper::header::HeaderValue::from_static("gzip"));
    response
}

/// Declares tests of Lua that checks itself; `base` is the URL of [`site`], which is all that the host allows.
macro_rules! site_tests {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            let site = site().await;
            check(&app(&["127.0.0.1"], $body), &site.url("")).await;
        })*
    };
}

site_tests! {
    every_method_has_a_function r#"
        for _, name in ipairs({ "get", "delete", "post", "put", "patch" }) do
            local answer = json.decode(http[name](base .. "/echo").body)
            assert(answer.method == name:upper() and answer.path == "/echo")
        end
        for _, name in ipairs({ "OPTIONS", "trace", "PROPFIND" }) do
            assert(json.decode(http.request(name, base .. "/echo").body).method == name:upper())
        end
        local head = http.head(base .. "/echo")
        assert(head.status_code == 200 and head.body == nil and head.body_size == 0)
    "#

    options_reach_the_server r#"
        local function sent(options) return json.decode(assert(http.post(base .. "/echo?x=1", options)).body) end
        local answer = sent({
            headers = { ["X-Tag"] = "a", accept = "text/plain", ["X-Count"] = 3 }, query = { q = "a b&c", page = 2 },
            cookies = { session = "s1", theme = "dark" }, auth = { user = "ann", pass = "s:cret" }, body = "plain\0bytes",
        })
        assert(answer.path == "/echo?x=1&page=2&q=a+b%26c", answer.path)
        assert(answer.headers["x-tag"] == "a" and answer.headers.accept == "text/plain" and answer.headers["x-count"] == "3")
        assert(answer.headers.cookie == "session=s1; theme=dark" and answer.headers.authorization == "Basic YW5uOnM6Y3JldA==")
        assert(answer.body == "plain\0bytes" and answer.headers["content-length"] == "11")
        assert(answer.headers["user-agent"]:find("^perilune/"))
        local form = sent({ form = { name = "Ann & Bob", age = 7 } })
        assert(form.body == "age=7&name=Ann+%26+Bob" and form.headers["content-type"] == "application/x-www-form-urlencoded")
        local typed = sent({ form = { a = "1" }, headers = { ["content-type"] = "text/x-form" } })
        assert(typed.headers["content-type"] == "text/x-form")
    "#

    the_user_of_a_url_is_sent_and_not_shown r#"
        local secret = base:gsub("://", "://ann:pass%%20word@") .. "/echo"
        local response = http.get(secret)
        assert(json.decode(response.body).headers.authorization == "Basic YW5uOnBhc3Mgd29yZA==")
        assert(response.url == base .. "/echo")
    "#

    a_response_is_a_table r#"
        local response = http.get(base .. "/status/404")
        assert(response.status_code == 404 and response.body == "as asked" and response.body_size == 8)
        assert(response.url == base .. "/status/404" and response.stream == nil)
        local empty = http.get(base .. "/headers")
        assert(empty.body == nil and empty.body_size == 0)
        assert(empty.headers["Content-Type"] == "text/plain" and empty.headers["X-Request-Id"] == "7")
        assert(empty.cookies.a == "2" and empty.cookies.b == "x=y" and empty.cookies.nonsense == nil)
        assert(http.get(base .. "/status/500").status_code == 500)
    "#

    files_are_sent_as_a_form r#"
        local reader = assert(http.get(base .. "/lines", { stream = true })).stream
        local answer = json.decode(http.post(base .. "/echo", {
            form = { title = "two files" },
            files = {
                { name = "a", filename = "a\"b.txt", content = "first\0", content_type = "text/csv" },
                { name = "b", reader = reader },
            },
        }).body)
        assert(answer.headers["content-type"]:find("^multipart/form%-data; boundary="))
        for _, part in ipairs({
            'form-data; name="title"\r\n\r\ntwo files\r\n',
            'form-data; name="a"; filename="a%22b.txt"\r\ncontent-type: text/csv\r\n\r\nfirst\0\r\n',
            'form-data; name="b"\r\n\r\none\ntwo\nthree\r\n',
        }) do
            assert(answer.body:find(part, 1, true), answer.body)
        end
    "#

    a_name_in_a_form_cannot_write_parts_of_its_own r#"
        local answer = json.decode(http.post(base .. "/echo", {
            files = { { name = "a\r\nX-Evil: 1\r\n\r\n", filename = "b\"; name=\"c", content = "x" } },
        }).body)
        assert(answer.body:find('name="a%0D%0AX-Evil: 1%0D%0A%0D%0A"; filename="b%22; name=%22c"', 1, true), answer.body)
    "#

    a_batch_answers_by_position r#"
        local responses, errs = http.request_batch({
            { "GET", base .. "/status/200" }, { "POST", base .. "/echo", { body = "two" } }, { "GET", "ftp://x" },
            { "GET", base .. "/status/404" },
        })
        assert(responses[1].status_code == 200 and json.decode(responses[2].body).body == "two" and responses[3] == nil)
        assert(responses[4].status_code == 404 and errs[1] == nil and errs[3]:kind() == errors.INVALID)
        local all, none = http.request_batch({ { "GET", base .. "/status/200" } })
        assert(#all == 1 and none == nil)
        assert(#http.request_batch({}) == 0)
        for _, wrong in ipairs({ { "GET", base, { stream = true } }, { "GET" }, { 1, 2 }, "GET", { "GET", base, 5 } }) do
            local responses, err = http.request_batch({ wrong })
            assert(responses == nil and err:kind() == errors.INVALID and err:message():find("requests[1]", 1, true))
        end
    "#

    uris_are_encoded_as_in_queries r#"
        assert(http.encode_uri("a b/ü&~_-.") == "a+b%2F%C3%BC%26~_-.")
        assert(http.decode_uri("a+b%2F%c3%BC%26") == "a b/ü&")
        for _, wrong in ipairs({ "%", "%2", "a%zz", "%41%" }) do
            local text, err = http.decode_uri(wrong)
            assert(text == nil and err:kind() == errors.INVALID)
        end
        assert(http.decode_uri("%2541") == "%41")
        assert(not pcall(http.encode_uri) and not pcall(http.decode_uri, {}))
    "#

    a_body_is_read_piece_by_piece r#"
        local response = http.get(base .. "/lines", { stream = true })
        assert(response.body == nil and response.body_size == -1 and response.status_code == 200)
        local stream = response.stream
        assert(stream:read(2) == "on" and stream:stat().position == 2 and stream:stat().readable and not stream:stat().seekable)
        local scanner, lines = stream:scanner("lines"), {}
        while scanner:scan() do lines[#lines + 1] = scanner:text() end
        assert(table.concat(lines, "|") == "e|two|three")
        local piece, err = stream:read(10)
        assert(piece == nil and err == nil)
        assert(select(2, stream:write("x")):kind() == errors.INTERNAL)
        local sized = http.get(base .. "/big/70000", { stream = true }).stream
        assert(sized:stat().size == 70000 and #sized:read() == 70000 and sized:close())
    "#

    a_stream_gives_what_has_arrived_and_is_closed_in_the_middle r#"
        local stream = http.get(base .. "/drip", { stream = true }).stream
        assert(stream:read(100) == "first")
        local ended = channel.new(1)
        coroutine.spawn(function() ended:send({ stream:read(100) }) end)
        assert(stream:close() and stream:close())
        local result = ended:receive()
        assert(result[1] == nil)
        assert(select(2, stream:read(1)):kind() == errors.INVALID)
    "#

    compressed_bodies_are_taken_apart r#"
        local response = http.get(base .. "/gzip")
        assert(response.body == "hello, compressed" and response.headers["Content-Encoding"] == nil)
    "#

    a_body_may_not_be_larger_than_asked r#"
        for path, most in pairs({ ["/big/1001"] = 1000, ["/lines"] = 5, ["/bomb"] = 1000000, ["/gzip"] = 16 }) do
            local response, err = http.get(base .. path, { max_response_body = most })
            assert(response == nil and err:kind() == errors.INTERNAL and err:details().limit == "max_response_body", tostring(err))
            local stream = http.get(base .. path, { max_response_body = most, stream = true }).stream
            local all, err = stream:read()
            assert(all == nil and err:kind() == errors.INTERNAL, path)
        end
        assert(http.get(base .. "/big/1000", { max_response_body = 1000 }).body_size == 1000)
    "#

    a_server_that_does_not_answer_is_given_up r#"
        for _, timeout in ipairs({ 0.05, "50ms" }) do
            local response, err = http.get(base .. "/never", { timeout = timeout })
            assert(response == nil and err:kind() == errors.INTERNAL and err:retryable() == true)
            assert(err:message():find("GET " .. base .. "/never: no answer within 50ms", 1, true), err:message())
        end
        local response, err = http.get(base .. "/drip", { timeout = 0.05 })
        assert(response == nil and err:retryable() == true)
        local stream = http.get(base .. "/drip", { timeout = 0.05, stream = true }).stream
        assert(stream:read(10) == "first")
        local piece, err = stream:read(10)
        assert(piece == nil and err:kind() == errors.INTERNAL and err:retryable() == true)
    "#

    what_is_no_request_is_invalid r#"
        for position, case in ipairs({
            { "GET", "nowhere" }, { "GET", "" }, { "GET", "ftp://127.0.0.1" }, { "GET", "file:///etc/passwd" }, { "GET", "http://" },
            { "G T", base }, { "", base }, { "CONNECT", base }, { "GET", "http://[::1" }, { "GET", base .. "/" .. ("x"):rep(20000) },
            { "GET", base, { timout = 5 } }, { "GET", base, { timeout = -1 } }, { "GET", base, { timeout = 0 } },
            { "GET", base, { timeout = "soon" } }, { "GET", base, { timeout = 0/0 } }, { "GET", base, { timeout = {} } },
            { "GET", base, { headers = "x" } }, { "GET", base, { headers = { "x" } } }, { "GET", base, { headers = { a = {} } } },
            { "GET", base, { headers = { ["a b"] = "x" } } }, { "GET", base, { headers = { a = "x\r\nEvil: 1" } } },
            { "GET", base, { body = 5 } }, { "GET", base, { body = "x", form = { a = 1 } } }, { "GET", base, { stream = 1 } },
            { "GET", base, { cookies = { a = "x; b=1" } } }, { "GET", base, { cookies = { ["a=b"] = "x" } } },
            { "GET", base, { max_response_body = -1 } }, { "GET", base, { files = { { name = "a" } } } },
            { "GET", base, { files = { { content = "x" } } } }, { "GET", base, { files = { 1 } } }, { "GET", base, { files = "x" } },
            { "GET", base, { files = { { name = "a", content = "x", reader = 5 } } } }, { "GET", base, { auth = "ann" } },
            { "GET", base, { tls = { ca = "no certificate" } } }, { "GET", base, { tls = { cert = "x" } } },
            { "GET", base, { overlay_network = "app:net" } }, { "GET", base, { [1] = "x" } }, { "GET", base, { headers = print } },
            { "GET", base, { headers = { host = "other.example" } } }, { "GET", base, { headers = { ["Transfer-Encoding"] = "chunked" } } },
            { "GET", base, { headers = { ["content-length"] = "5" } } }, { "GET", base, { query = { a = ("x"):rep(600000) } } },
        }) do
            local response, err = http.request(table.unpack(case))
            assert(response == nil and err and err:kind() == errors.INVALID, position .. " " .. tostring(err))
        end
        local many = {}
        for i = 1, 2000 do many["x-" .. i] = "1" end
        assert(select(2, http.get(base, { headers = many })):kind() == errors.INVALID)
        for _, wrong in ipairs({ { nil }, { 5 }, { base, "x" } }) do
            local raised, err = pcall(http.get, wrong[1], wrong[2])
            assert(not raised and err:find("bad argument #" .. (wrong[2] and 2 or 1) .. " to 'get'", 1, true), err)
        end
    "#

    redirects_are_followed_as_browsers_do r#"
        local response = http.get(base .. "/to/302/to/301/status/200")
        assert(response.status_code == 200 and response.url == base .. "/status/200")
        for status, method in pairs({ [301] = "GET", [302] = "GET", [303] = "GET", [307] = "PUT", [308] = "PUT" }) do
            local answer = json.decode(http.put(base .. "/to/" .. status .. "/echo", { body = "data", headers = { ["content-type"] = "x/y" } }).body)
            assert(answer.method == method and answer.body == (method == "PUT" and "data" or ""), status)
            assert((answer.headers["content-type"] == "x/y") == (method == "PUT"))
        end
        assert(http.head(base .. "/to/303/echo").url == base .. "/echo")
        local kept = json.decode(http.get(base .. "/to/302/echo", { auth = { user = "a" }, cookies = { c = "1" } }).body)
        assert(kept.headers.authorization and kept.headers.cookie == "c=1")
        assert(http.get(base .. "/to/302/echo#part").url == base .. "/echo#part")
    "#

    redirects_do_not_go_on_for_ever r#"
        local response, err = http.get(base .. "/loop")
        assert(response == nil and err:kind() == errors.INTERNAL and err:message():find("more than 10 redirects"), tostring(err))
    "#

    a_body_that_was_a_stream_is_not_sent_twice r#"
        local function post(status)
            local reader = http.get(base .. "/lines", { stream = true }).stream
            return http.post(base .. "/to/" .. status .. "/echo", { files = { { name = "a", reader = reader } } })
        end
        assert(post(307).status_code == 307)
        assert(json.decode(post(303).body).method == "GET")
    "#

    redirects_lead_to_no_other_scheme r#"
        for _, target in ipairs({ "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "data://x" }) do
            local response, err = http.get(base .. "/to/302/" .. target)
            assert(response == nil and err:kind() == errors.INTERNAL and err:message():find("is not spoken here"), tostring(err))
        end
    "#

    requests_timers_and_channels_go_on_side_by_side r#"
        local time = require("time")
        local answers, ticks = channel.new(0), channel.new(0)
        for i = 1, 5 do
            coroutine.spawn(function() answers:send({ i, http.get(base .. "/status/20" .. i) }) end)
        end
        coroutine.spawn(function() ticks:send("ping") end)
        local never = channel.new(0)
        coroutine.spawn(function() never:send(http.get(base .. "/never")) end)
        local got, timers, pings = {}, 0, 0
        local timer = time.after("1ms")
        local cases = { timer:case_receive(), answers:case_receive(), ticks:case_receive(), never:case_receive() }
        while #got < 5 or timers < 1 or pings < 1 do
            local case = channel.select(cases)
            assert(case.ok and case.channel ~= never)
            if case.channel == answers then
                assert(case.value[2].status_code == 200 + case.value[1])
                got[#got + 1] = case.value[1]
            elseif case.channel == timer then
                -- A timer's channel is closed once it has fired.
                timers = timers + 1
                table.remove(cases, 1)
            else
                pings = pings + 1
            end
        end
    "#
}

#[tokio::test]
async fn nothing_is_reached_unless_the_host_allows_it() {
    let site = site().await;
    let failure = refusal(&app(&[], GET), &site.url("/echo")).await;
    assert_eq!(failure.kind, Kind::PermissionDenied);
    let item = format!("127.0.0.1:{}", site.port);
    let expected = format!(
        "app:main may not reach `{item}`: this host does not allow it; start it with `--allow-net {item}`"
    );
    assert_eq!(failure.message, expected);
    let detail =
        |name| failure.details.as_ref().and_then(|details| details.get(name)).and_then(Value::as_str);
    assert_eq!((detail("entry"), detail("host")), (Some("app:main"), Some("127.0.0.1")));
    assert_eq!(site.connections(), 0);
}

#[tokio::test]
async fn no_spelling_of_this_machine_is_public() {
    let site = site().await;
    let app = app(&["*"], GET);
    let port = site.port;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "0.0.0.0",
        "localhost",
        "LOCALHOST.",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fe80::1]",
    ] {
        let failure = refusal(&app, &format!("http://{host}:{port}/")).await;
        assert_eq!(failure.kind, Kind::PermissionDenied, "{host}: {failure}");
    }
    assert_eq!(site.connections(), 0);
}

#[tokio::test]
async fn a_name_that_is_allowed_is_reached_at_a_private_address() {
    let site = site().await;
    let app = app(&[&format!("localhost:{}", site.port)], GET);
    check(&app, &format!("http://localhost:{}/echo", site.port)).await;
    // The same address by another name, and another port of the same name.
    let other = servers::closed_port().await;
    for url in [site.url("/echo"), format!("http://localhost:{other}/")] {
        assert_eq!(refusal(&app, &url).await.kind, Kind::PermissionDenied);
    }
}

#[tokio::test]
async fn a_redirect_leads_only_where_the_entry_might_have_gone_itself() {
    let (inner, outer) = (site().await, site().await);
    let app = app(&[&format!("127.0.0.1:{}", outer.port), "*"], GET);
    for target in
        [inner.url("/echo"), format!("http://localhost:{}/", inner.port), "http://169.254.169.254/".into()]
    {
        let failure = refusal(&app, &outer.url(&format!("/to/302/{target}"))).await;
        assert_eq!(failure.kind, Kind::PermissionDenied, "{target}: {failure}");
    }
    assert_eq!((inner.connections(), outer.seen().len()), (0, 3));
}

#[tokio::test]
async fn credentials_stay_with_the_server_that_they_were_meant_for() {
    let (first, second) = (site().await, site().await);
    let app = app(
        &["127.0.0.1"],
        r#"
        local response = http.get(base, {
            auth = { user = "ann", pass = "secret" }, cookies = { session = "s1" },
            headers = { ["Proxy-Authorization"] = "x", ["X-Tag"] = "kept" },
        })
        assert(response.status_code == 200)
        "#,
    );
    let back = first.url("/echo");
    let away = second.url(&format!("/to/302/{back}"));
    check(&app, &first.url(&format!("/to/302/{away}"))).await;
    let seen = [first.seen(), second.seen()].concat();
    assert_eq!(seen.len(), 3);
    for (request, has_credentials) in seen.iter().zip([true, false, false]) {
        for name in ["authorization", "cookie", "proxy-authorization"] {
            assert_eq!(request.header(name).is_some(), has_credentials, "{name} to {}", request.path);
        }
        assert_eq!(request.header("x-tag"), Some("kept"));
    }
}

#[tokio::test]
async fn a_redirect_cannot_say_whom_the_client_claims_to_be() {
    let site = site().await;
    let target = site.url("/echo").replace("://", "://evil:claim@");
    check(
        &app(&["127.0.0.1"], "assert(http.get(base).status_code == 200)"),
        &site.url(&format!("/to/302/{target}")),
    )
    .await;
    assert_eq!(site.seen()[1].header("authorization"), None);
}

#[tokio::test]
async fn an_entry_narrows_what_it_reaches() {
    let (site, other) = (site().await, site().await);
    let own = format!("network: {{allow: ['127.0.0.1:{}']}}", site.port);
    let app = app_with(&["127.0.0.1", "localhost"], &own, GET, Limits::DEFAULT);
    assert!(app.call("app:main", &[site.url("/echo").into()]).await.is_ok());
    let failure = refusal(&app, &other.url("/echo")).await;
    assert_eq!(failure.kind, Kind::PermissionDenied);
    let item = format!("127.0.0.1:{}", other.port);
    assert!(
        failure.message.ends_with(&format!("`network.allow` does not list it; add `{item}`")),
        "{failure}"
    );
    // A list of its own does not widen the host's.
    let app = app_with(&[], "network: {allow: ['*', '127.0.0.1']}", GET, Limits::DEFAULT);
    assert_eq!(refusal(&app, &site.url("/echo")).await.kind, Kind::PermissionDenied);
}

#[tokio::test]
async fn what_counts_is_the_entry_that_runs_a_library() {
    let site = site().await;
    let library = "return { get = function(url) return require('http_client').get(url) end }";
    let main = "return function(url) return require('lib').get(url) end";
    let narrow = "imports: {lib: 'app:lib'}, modules: [http_client], network: {allow: []}";
    let app = App::entries_with(
        &[
            ("lib", "library", "modules: [http_client]", library),
            ("main", "function", narrow, main),
            ("wide", "function", "imports: {lib: 'app:lib'}, modules: [http_client]", main),
        ],
        |builder| builder.allow(Allowed { network: vec!["127.0.0.1".into()], ..Allowed::default() }),
    );
    assert_eq!(refusal(&app, &site.url("/echo")).await.kind, Kind::PermissionDenied);
    assert!(app.call("app:wide", &[site.url("/echo").into()]).await.is_ok());
}

#[tokio::test]
async fn a_connection_is_used_again_but_not_by_entries_that_could_not_have_made_it() {
    let site = site().await;
    let get = "return function(url) assert(require('http_client').get(url)) end";
    let own = "modules: [http_client], network: {allow: ['127.0.0.1']}";
    let app = App::entries_with(
        &[
            ("first", "function", "modules: [http_client]", get),
            ("second", "function", "modules: [http_client]", get),
            ("other", "function", own, get),
        ],
        |builder| builder.allow(Allowed { network: vec!["127.0.0.1".into()], ..Allowed::default() }),
    );
    for (entry, connections) in
        [("app:first", 1), ("app:first", 1), ("app:second", 1), ("app:other", 2), ("app:other", 2)]
    {
        app.call(entry, &[site.url("/echo").into()]).await.expect("the site answers");
        assert_eq!(site.connections(), connections, "{entry}");
    }
}

/// Allows what it lists.
struct Only(&'static [(&'static str, &'static str)]);

impl Rule for Only {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        let is_listed = self
            .0
            .iter()
            .any(|(action, resource)| question.action == *action && question.resource.contains(resource));
        if is_listed { Decision::Allow } else { Decision::Undefined }
    }
}

async fn called_with(app: &App, rule: Only, url: &str) -> Result<Value, Failure> {
    let scope = Scope::new([Policy::new("app:policy", rule)]);
    let authority = Authority { actor: Some(Arc::new(Actor::new("user:1"))), scope: Some(scope) };
    app.runtime.call_with(Call::new("app:main").arg(url).authority(authority)).await
}

#[tokio::test]
async fn policies_are_asked_at_each_hop_and_about_each_private_address() {
    let site = site().await;
    let app = app(
        &["127.0.0.1"],
        "local response, err = http.get(base) return response and response.status_code, err",
    );
    let (echo, away) = (site.url("/echo"), site.url("/to/302/echo"));
    const REQUEST: &str = "http_client.request";
    const PRIVATE: &str = "http_client.private_ip";
    for (rule, url, is_allowed) in [
        (&[][..], &echo, false),
        (&[(REQUEST, "/")], &echo, false),
        (&[(PRIVATE, "127.0.0.1")], &echo, false),
        (&[(REQUEST, "/echo"), (PRIVATE, "127.0.0.1")], &echo, true),
        (&[(REQUEST, "/to/302/"), (PRIVATE, "127.0.0.1")], &away, false),
        (&[(REQUEST, "/echo"), (PRIVATE, "127.0.0.1")], &away, true),
        // A connection that others made does not help.
        (&[(REQUEST, "/echo")], &echo, false),
    ] {
        let called = called_with(&app, Only(rule), url).await;
        match called {
            Ok(status) => assert!(is_allowed && status == Value::Integer(200), "{rule:?} {url}"),
            Err(failure) => {
                assert!(!is_allowed && failure.kind == Kind::PermissionDenied, "{rule:?} {url}: {failure}");
            }
        }
    }
}

#[tokio::test]
async fn the_network_fails_as_internal_and_is_worth_another_try() {
    let port = servers::closed_port().await;
    let failure = refusal(&app(&["127.0.0.1"], GET), &format!("http://127.0.0.1:{port}/path?secret=1")).await;
    assert_eq!((&failure.kind, failure.retryable), (&Kind::Internal, Some(true)));
    assert!(
        failure.message.starts_with(&format!("GET http://127.0.0.1:{port}/path: cannot connect: ")),
        "{failure}"
    );
    assert!(!failure.message.contains("secret"));
    let unknown = refusal(&app(&["no-such-host.invalid"], GET), "http://no-such-host.invalid/").await;
    assert_eq!((&unknown.kind, unknown.retryable), (&Kind::Internal, Some(true)));
    assert!(unknown.message.starts_with("`no-such-host.invalid` has no address: "), "{unknown}");
}

#[tokio::test]
async fn malformed_answers_are_failures() {
    let app = app(&["127.0.0.1"], "return http.get(base)");
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let cases: [(&str, Vec<u8>); 9] = [
        ("nothing", b"".to_vec()),
        ("no HTTP", b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
        ("no status", b"HTTP/1.1 abc\r\n\r\n".to_vec()),
        ("a broken header", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_vec()),
        ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec()),
        ("a short body", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec()),
        ("a broken chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n".to_vec()),
        ("no gzip", b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc".to_vec()),
        ("too many headers", format!("HTTP/1.1 200 OK\r\n{many}\r\n").into_bytes()),
    ];
    for (what, answer) in cases {
        let port = serve_bytes(answer).await;
        let failure = refusal(&app, &format!("http://127.0.0.1:{port}/")).await;
        assert_eq!((&failure.kind, failure.retryable), (&Kind::Internal, Some(true)), "{what}: {failure}");
    }
}

#[tokio::test]
async fn endless_headers_are_given_up() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(8 << 20)).into_bytes();
    let port = serve_bytes(endless).await;
    let failure = refusal(&app(&["127.0.0.1"], GET), &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(failure.kind, Kind::Internal);
}

#[tokio::test]
async fn a_body_takes_no_more_than_the_cell_may_hold() {
    let site = site().await;
    let body = "return http.get(base, { max_response_body = 1 << 40 })";
    let app = app_with(&["127.0.0.1"], "", body, TIGHT);
    for path in ["/bomb", "/big/20000000"] {
        let failure = refusal(&app, &site.url(path)).await;
        assert_eq!(
            (&failure.kind, limit(&failure)),
            (&Kind::RateLimited, Some("memory")),
            "{path}: {failure}"
        );
    }
}

#[tokio::test]
async fn a_call_that_ends_takes_its_requests_with_it() {
    let site = site().await;
    let app = app(&["127.0.0.1"], GET);
    let call = app.spawn("app:main", &[site.url("/never").into()]);
    site.until(|counts| counts.begun == 1).await;
    call.abort();
    site.until(|counts| counts.left == 1).await;
    // And so does one that returns while others wait.
    let left = "coroutine.spawn(function() http.get(base .. '/never') end) http.get(base .. '/echo')";
    check(&self::app(&["127.0.0.1"], left), &site.url("")).await;
    site.until(|counts| counts.running == 0).await;
}

#[tokio::test]
async fn requests_of_one_entry_wait_for_each_other_when_there_are_many() {
    let site = site().await;
    let body = "
        local ended = channel.new(300)
        for _ = 1, 300 do
            coroutine.spawn(function() ended:send(assert(http.get(base .. '/echo')).status_code) end)
        end
        for _ = 1, 300 do assert(ended:receive() == 200) end
    ";
    check(&app(&["127.0.0.1"], body), &site.url("")).await;
    let counts = site.counts();
    assert!(counts.begun == 300 && counts.most <= 128, "{counts:?}");
}

#[tokio::test]
async fn servers_show_who_they_are() {
    let site = serve_tls(false, |seen| async move { text(200, seen.method) }).await;
    let url = format!("https://localhost:{}/", site.port);
    let app = app(
        &["localhost", "127.0.0.1"],
        "local response, err = http.get(base, { tls = more }) return response and response.body, err",
    );
    let tls = |fields: &[(&str, Value)]| {
        fields.iter().map(|(name, value)| (*name, value.clone())).collect::<Value>()
    };
    let named = |name: &str| tls(&[("ca", CA.into()), ("server_name", name.into())]);
    let by_address = format!("https://127.0.0.1:{}/", site.port);
    for (url, options, is_believed) in [
        (&url, Value::Nil, false),
        (&url, tls(&[("ca", CA.into())]), true),
        (&url, tls(&[("insecure_skip_verify", true.into())]), true),
        (&url, named("named.example"), true),
        (&url, named("other.example"), false),
        (&by_address, tls(&[("ca", CA.into())]), false),
        (&by_address, named("localhost"), true),
    ] {
        let called = app.call("app:main", &[url.as_str().into(), options.clone()]).await;
        match called {
            Ok(body) => assert!(is_believed && body == "GET".into(), "{url} {options:?}"),
            Err(failure) => {
                assert!(!is_believed && failure.kind == Kind::Internal, "{url} {options:?}: {failure}");
                assert!(failure.message.contains("certificate"), "{failure}");
            }
        }
    }
}

#[tokio::test]
async fn clients_show_who_they_are_to_the_server_that_was_named() {
    let asks = serve_tls(true, |seen| async move { text(200, seen.method) }).await;
    let app = app(
        &["localhost"],
        "local response, err = http.get(base, { tls = more }) return response and response.body, err",
    );
    let with: Value = [("ca", CA), ("cert", CERT), ("key", KEY)].into_iter().collect();
    let without: Value = [("ca", CA)].into_iter().collect();
    let url = format!("https://localhost:{}/", asks.port);
    assert_eq!(app.call("app:main", &[url.as_str().into(), with.clone()]).await, Ok("GET".into()));
    assert_eq!(
        app.call("app:main", &[url.as_str().into(), without]).await.map_err(|failure| failure.kind),
        Err(Kind::Internal)
    );
    // Another server that redirects there does not lend the client's certificate.
    let port = asks.port;
    let location = format!("https://localhost:{port}/");
    let redirects = serve_tls(false, move |_| {
        let location = location.clone();
        async move { headers(302, &[("location", &location)]) }
    })
    .await;
    let url = format!("https://localhost:{}/", redirects.port);
    let called = app.call("app:main", &[url.as_str().into(), with]).await;
    assert_eq!(called.map_err(|failure| failure.kind), Err(Kind::Internal));
}

#[tokio::test]
async fn insecure_tls_needs_permission() {
    let site = serve_tls(false, |seen| async move { text(200, seen.method) }).await;
    let app = app(&["localhost"], "return http.get(base, { tls = { insecure_skip_verify = true } })");
    let rule = Only(&[("http_client.request", ""), ("http_client.private_ip", "")]);
    let failure = called_with(&app, rule, &format!("https://localhost:{}/", site.port))
        .await
        .expect_err("it is refused");
    assert_eq!(failure.kind, Kind::PermissionDenied);
    assert!(failure.message.contains("http_client.insecure_tls"), "{failure}");
}

#[tokio::test]
async fn sockets_of_this_machine_are_reached_in_directories_that_the_host_allows() {
    let folder = tempfile::tempdir().expect("a folder");
    let (inside, outside) = (folder.path().join("inside"), folder.path().join("outside"));
    for directory in [&inside, &outside] {
        std::fs::create_dir(directory).expect("a folder");
        servers::serve_socket(&directory.join("server"), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    }
    std::os::unix::fs::symlink(outside.join("server"), inside.join("link")).expect("a link");
    let source = "
        return function(path)
            local response, err = require('http_client').get('http://anything/', { unix_socket = path })
            return response and response.body, err
        end
    ";
    let app = App::entries_with(&[("main", "function", "modules: [http_client]", source)], |builder| {
        builder.allow(Allowed { directories: vec![inside.clone()], ..Allowed::default() })
    });
    for (path, is_reached) in [
        (inside.join("server"), true),
        (outside.join("server"), false),
        (inside.join("link"), false),
        (inside.join("../outside/server"), false),
        (inside.join("missing"), false),
    ] {
        let called = app.call("app:main", &[path.to_string_lossy().into_owned().into()]).await;
        let expected = if is_reached { Ok("hi".into()) } else { Err(Kind::PermissionDenied) };
        assert_eq!(called.map_err(|failure| failure.kind), expected, "{}", path.display());
    }
}

#[tokio::test]
async fn lists_that_name_no_hosts_are_refused_when_a_host_is_built() {
    let allow = |item: &str| Allowed { network: vec![item.to_owned()], ..Allowed::default() };
    let refused = perilune::Runtime::builder().allow(allow("https://example.com")).build();
    let Err(error) = refused else { panic!("a scheme is refused") };
    assert!(
        error.to_string().starts_with("what entries may reach: `https://example.com` names no hosts"),
        "{error}"
    );
    let fields = "modules: [http_client], network: {allow: ['example.com', 'a/b']}";
    let Err(error) = App::try_entries(&[("main", "function", fields, "return print")]) else {
        panic!("a path is refused")
    };
    let report = perilune_tests::render(&error);
    assert!(
        report.contains("error[E403]: app:main: field `network.allow[2]`: `a/b` names no hosts"),
        "{report}"
    );
}

#[tokio::test]
async fn a_request_takes_no_longer_than_its_call() {
    let site = site().await;
    let limits = Limits { timeout: Some(Duration::from_millis(100)), ..Limits::DEFAULT };
    let failure = refusal(&app_with(&["127.0.0.1"], "", GET, limits), &site.url("/never")).await;
    assert_eq!((&failure.kind, limit(&failure)), (&Kind::Timeout, Some("timeout")));
    site.until(|counts| counts.running == 0).await;
}
