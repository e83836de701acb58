//! Whom an entry may reach: what its host, its own field and policies allow.

use super::{GET, Only, app, app_with, called_with, check, refusal, site};
use crate::servers;
use perilune::{Allowed, Kind, Limits, Value};
use perilune_tests::App;

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
