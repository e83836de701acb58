//! Which endpoint answers.

use crate::support::{Site, endpoint, function, problems, says};
use perilune_registry::{Entry, EntryId, Operation};
use perilune_value::{Kind, Value};
use std::sync::Arc;

/// Names of functions, each of which says its name.
macro_rules! all {
    ($($name:literal),*) => { [$(says($name)),*] };
}

#[tokio::test]
async fn the_most_specific_pattern_answers() {
    let site = Site::plain(
        &[
            "GET / root",
            "GET /users/me me",
            "GET /users/{id} user",
            "GET /users/:id/posts posts",
            "GET /files/{path...} files",
            "GET /files/{name} file",
            "GET /files/special special",
        ],
        all!["root", "me", "user", "posts", "files", "file", "special"],
    )
    .await;
    for (path, name) in [
        ("/", "root"),
        ("/users/me", "me"),
        ("/users/7", "user"),
        ("/users/7/posts", "posts"),
        ("/users/me/posts", "posts"),
        ("/files/a", "file"),
        ("/files/special", "special"),
        ("/files/a/b", "files"),
        ("/files/", "files"),
        ("/users/7?id=8", "user"),
    ] {
        assert_eq!(site.get(path).await, (200, format!("\"{name}\"")), "{path}");
    }
    for path in ["/nothing", "/users", "/users/", "/users/7/", "/files", "//", "/users/7/posts/1"] {
        assert_eq!(site.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn methods_of_one_path_may_name_its_segments_differently() {
    let shows = |name| {
        function(name, |exchange| async move {
            let (name, value) = exchange.params()[0].clone();
            Ok(Value::from(format!("{name}={}", String::from_utf8_lossy(&value))))
        })
    };
    let site = Site::plain(&["GET /u/{id} a", "POST /u/{name} b"], [shows("a"), shows("b")]).await;
    assert_eq!(site.get("/u/7").await.1, "\"id=7\"");
    assert_eq!(site.ask("POST", "/u/7").await.text(), "\"name=7\"");
}

#[tokio::test]
async fn open_segments_are_decoded_and_the_rest_is_hidden() {
    let shows = function("f", |exchange| async move {
        Ok(exchange
            .params()
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.as_slice())))
            .collect())
    });
    let site = Site::plain(&["GET /a/{one}/{rest...} f"], [shows]).await;
    assert_eq!(site.get("/a/x%2Fy%20z/b/c").await.1, r#"{"one":"x/y z"}"#);
}

#[tokio::test]
async fn a_pattern_is_compared_with_what_clients_send() {
    let site = Site::plain(&["GET /café/ü f"], [says("f")]).await;
    assert_eq!(site.get("/caf%C3%A9/%C3%BC").await.0, 200);
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let site =
        Site::plain(&["GET /a f", "DELETE /a f", "POST /b f", "OPTIONS /c f", "GET /c f"], [says("f")]).await;
    let refused = site.ask("POST", "/a").await;
    assert_eq!((refused.status, refused.header("allow")), (405, "DELETE, GET, HEAD, OPTIONS"));
    let asked = site.ask("OPTIONS", "/b").await;
    assert_eq!((asked.status, asked.header("allow")), (204, "OPTIONS, POST"));
    assert_eq!(site.ask("OPTIONS", "/c").await.text(), "\"f\"");
    assert_eq!(site.ask("HEAD", "/b").await.status, 405);
    assert_eq!(site.ask("OPTIONS", "/nothing").await.status, 404);
}

#[tokio::test]
async fn head_is_answered_by_get_without_its_body() {
    let site = Site::plain(&["GET /a f"], [says("f")]).await;
    let head = site.ask("HEAD", "/a").await;
    assert_eq!((head.status, head.header("content-length"), head.text().as_str()), (200, "3", ""));
}

#[tokio::test]
async fn routers_have_prefixes_and_each_server_its_own() {
    let line = |line: &str| line.to_owned();
    let lines = [
        line("{name: web, kind: http.service, addr: '127.0.0.1:0'}"),
        line("{name: other, kind: http.service, addr: '127.0.0.1:0'}"),
        line("{name: api, kind: http.router, meta: {server: web}}"),
        line("{name: v1, kind: http.router, server: web, prefix: /v1/}"),
        line("{name: far, kind: http.router, meta: {server: 'app:other'}}"),
        endpoint("GET", "/a", "f"),
        line("{name: b, kind: http.endpoint, router: v1, method: GET, path: /b, func: f}"),
        line("{name: c, kind: http.endpoint, router: far, method: GET, path: /c, func: f}"),
    ];
    let site = Site::of(&lines, [says("f")]).await.expect("it starts");
    for (path, status) in [("/a", 200), ("/v1/b", 200), ("/b", 404), ("/v1/a", 404), ("/c", 404)] {
        assert_eq!(site.get(path).await.0, status, "{path}");
    }
}

const SERVER: &str = "{name: web, kind: http.service, addr: '127.0.0.1:0'}";
const ROUTER: &str = "{name: api, kind: http.router, meta: {server: web}, prefix: /v1}";

fn get(name: &str, router: &str, path: &str) -> String {
    format!("{{name: {name}, kind: http.endpoint, router: {router}, method: GET, path: '{path}', func: f}}")
}

#[test]
fn two_endpoints_of_one_path_are_refused_at_load() {
    insta::assert_snapshot!(problems(&[
        SERVER,
        ROUTER,
        &get("first", "api", "/orders/{id}"),
        &get("second", "api", "/orders/:order"),
    ]));
    let root = "{name: root, kind: http.router, server: web}";
    for (first, second) in
        [("/a", "/v1/a"), ("/a/{x...}", "/v1/a/{y...}"), ("/{x}/b", "/v1/:y/b"), ("/", "/v1/")]
    {
        let problems =
            problems(&[SERVER, ROUTER, root, &get("one", "api", first), &get("two", "root", second)]);
        assert!(problems.contains("app:two: field `path`: `app:one` answers GET"), "{first}: {problems}");
    }
    let other = "{name: far, kind: http.router, server: other}";
    let apart = [
        SERVER,
        ROUTER,
        "{name: other, kind: http.service, addr: ':0'}",
        other,
        &get("one", "api", "/a"),
        &get("two", "far", "/v1/a"),
        &get("rest", "api", "/a/{rest...}"),
        &get("open", "api", "/a/{one}"),
        "{name: post, kind: http.endpoint, router: api, method: POST, path: /a, func: f}",
    ];
    assert_eq!(problems(&apart), "nothing");
}

#[test]
fn two_routers_or_directories_of_one_path_are_refused_at_load() {
    let folder = "{name: files, kind: fs.directory, directory: .}";
    let pages = "{name: pages, kind: http.static, server: web, path: /v1, fs: files}";
    assert_eq!(problems(&[SERVER, ROUTER, folder, pages]), "nothing", "paths without an endpoint are files");
    insta::assert_snapshot!(problems(&[
        SERVER,
        ROUTER,
        folder,
        pages,
        "{name: twin, kind: http.router, server: web, prefix: /v1/}",
        "{name: twins, kind: http.static, server: web, path: /v1, fs: files}",
    ]));
}

#[tokio::test]
async fn what_placeholders_hide_is_refused_when_the_server_starts() {
    let lines =
        [SERVER.to_owned(), ROUTER.to_owned(), get("one", "api", "/a"), get("two", "api", "${env:NONE|/a}")];
    let failure = Site::of(&lines, [says("f")]).await.err().expect("it does not start");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Conflict, "app:two and app:one both answer GET /v1/a")
    );
    let twin = "{name: twin, kind: http.router, server: web, prefix: '${env:NONE|/v1}'}";
    let lines = [SERVER.to_owned(), ROUTER.to_owned(), twin.to_owned()];
    let failure = Site::of(&lines, []).await.err().expect("it does not start");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Conflict, "app:twin and app:api have the same prefix `/v1`")
    );
}

#[tokio::test]
async fn a_change_reaches_the_next_request_and_a_wrong_one_changes_nothing() {
    let site = Site::plain(&["GET /a f"], [says("f"), says("g")]).await;
    let entry = |name: &str, path: &str, function: &str| {
        Entry::new(EntryId::new("app", name).expect("an id"), "http.endpoint")
            .with_field("router", "api")
            .with_field("method", "GET")
            .with_field("path", path)
            .with_field("func", function)
    };
    let apply = |operation| site.registry.apply(&[operation], None);
    apply(Operation::Create(Arc::new(entry("b", "/b", "g")))).expect("the change is let in");
    assert_eq!(site.get("/b").await.1, "\"g\"");
    let failure = apply(Operation::Update(Arc::new(entry("b", "/a", "g")))).expect_err("two answer the same");
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.message.contains("`app:b` answers GET `/a` already"), "{failure}");
    // What placeholders hide cannot be seen before, and leaves the routes as they were.
    apply(Operation::Update(Arc::new(entry("b", "${env:NONE|/a}", "g")))).expect("the change is let in");
    assert_eq!(site.get("/a").await.1, "\"f\"");
    assert_eq!(site.get("/b").await.1, "\"g\"");
    apply(Operation::Delete(EntryId::new("app", "b").expect("an id"))).expect("the change is let in");
    assert_eq!(site.get("/b").await.0, 404);
}

#[test]
fn what_is_wrong_with_entries_is_said_at_load() {
    let router = "{name: api, kind: http.router, meta: {server: web}}";
    let server = "{name: web, kind: http.service, addr: ':0'}";
    let endpoint = |path: &str| {
        format!("{{name: e, kind: http.endpoint, router: api, method: GET, path: '{path}', func: f}}")
    };
    for (path, said) in [
        ("a", "begins with `/`"),
        ("/{}", "consists of letters"),
        ("/{a b}", "consists of letters"),
        ("/x{a}", "nothing else"),
        ("/{a}/{a}", "twice"),
        ("/{a...}/b", "nothing can follow"),
        ("/a?b=c", "neither query nor fragment"),
        ("/../a", "no segment that a client would ask for"),
    ] {
        let problems = problems(&[server, router, &endpoint(path)]);
        assert!(problems.contains(said) && problems.contains("app:e: field `path`"), "{path}: {problems}");
    }
    for (line, said) in [
        (
            "{name: e, kind: http.endpoint, method: GET, path: /, func: f}",
            "app:e: field `meta.router`: it is missing",
        ),
        (
            "{name: e, kind: http.endpoint, router: api, method: get, path: /, func: f}",
            "app:e: field `method`",
        ),
        (
            "{name: e, kind: http.endpoint, router: web, method: GET, path: /, func: f}",
            "is of kind `http.service`",
        ),
        (
            "{name: e, kind: http.endpoint, router: api, method: GET, path: /, func: web}",
            "is of kind `http.service`",
        ),
        (
            "{name: e, kind: http.endpoint, router: api, method: GET, path: /, func: g}",
            "there is no entry `app:g`",
        ),
        (
            "{name: r, kind: http.router, server: web, meta: {server: other}}",
            "`meta.server` names another one",
        ),
        ("{name: r, kind: http.router, server: web, prefix: '/{a}'}", "a prefix has no open segments"),
        ("{name: s, kind: http.service}", "app:s: field `addr`: it is missing"),
        ("{name: s, kind: http.service, addr: example}", "has no port"),
        ("{name: s, kind: http.service, addr: 'example.com:80'}", "names no address of this machine"),
        ("{name: s, kind: http.service, addr: ':0', tls: {mode: manual, cert: x}}", "app:s: field `tls.key`"),
        ("{name: s, kind: http.service, addr: ':0', tls: {mode: auto}}", "is not one of `manual`"),
        (
            "{name: s, kind: http.service, addr: ':0', tls: {mode: manual, cert: x, key: y, client_auth: require_and_verify}}",
            "app:s: field `tls.client_ca`",
        ),
        ("{name: s, kind: http.service, addr: ':0', limits: {max_header_bytes: 1KiB}}", "is out of range"),
    ] {
        let problems = problems(&[server, router, line]);
        assert!(problems.contains(said), "{line}: {problems}");
    }
}
