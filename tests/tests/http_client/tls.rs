//! Certificates of servers and of clients.

use super::{Only, app, called_with};
use crate::servers::{CA, CERT, KEY, headers, serve_tls, text};
use perilune::{Kind, Value};

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
