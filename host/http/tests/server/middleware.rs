//! What routers list around their endpoints.

use crate::support::{Reply, Site, function, problems, says};
use perilune_value::Value;
use std::io::Read;

async fn site(router: &str) -> Site {
    let client =
        function("client", |exchange| async move { Ok(Value::from(exchange.client().ip().to_string())) });
    let large = function("large", |exchange| async move {
        let kind = exchange.query().find(|(name, _)| name == "type").map(|(_, value)| value.into_owned());
        exchange.reply().set_header(b"Content-Type", kind.unwrap_or("text/html".to_owned()).as_bytes())?;
        exchange.reply().set_header(b"ETag", b"\"1\"")?;
        exchange.reply().write(&[b'x'; 10_000])?;
        if exchange.query().any(|(name, _)| name == "flush") {
            exchange.reply().flush()?;
        }
        Ok(Value::Nil)
    });
    Site::new("", router, &["GET /a a", "GET /client client", "GET /large large"], [says("a"), client, large])
        .await
}

#[tokio::test]
async fn cors_lets_any_origin_read_by_default() {
    let site = site("middleware: [cors]").await;
    let reply = site.ask_with("GET", "/a", "Origin: https://example.com\r\n").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "*"));
    let preflight = "Origin: https://example.com\r\nAccess-Control-Request-Method: PUT\r\n";
    let reply = site.ask_with("OPTIONS", "/a", preflight).await;
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    assert_eq!(reply.header("access-control-allow-methods"), "GET, POST, PUT, DELETE, OPTIONS, PATCH");
    assert!(reply.header("access-control-allow-headers").contains("Authorization"));
    assert_eq!(reply.header("access-control-max-age"), "86400");
    // Also where nothing answers: the page must be able to read the error.
    let reply = site.ask_with("GET", "/nothing", "Origin: https://example.com\r\n").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (404, "*"));
    // Without the header it is a question about the path.
    assert_eq!(site.ask("OPTIONS", "/a").await.header("allow"), "GET, HEAD, OPTIONS");
}

#[tokio::test]
async fn cors_knows_the_origins_that_are_named() {
    let options = "cors.allow.origins: 'https://example.com, *.example.org, https://*.example.net', \
                   cors.allow.credentials: true, cors.expose.headers: 'X-A,X-B', cors.allow.private.network: true";
    let site = site(&format!("middleware: [cors], options: {{{options}}}")).await;
    for (origin, allowed) in [
        ("https://example.com", true),
        ("HTTPS://EXAMPLE.COM", true),
        ("http://example.com", false),
        ("https://example.com.evil", false),
        ("https://evil-example.org", false),
        ("https://a.example.org", true),
        ("http://a.b.example.org", true),
        ("https://.example.org", false),
        ("https://a.example.net", true),
        ("http://a.example.net", false),
        ("null", false),
        ("", false),
    ] {
        let reply = site.ask_with("GET", "/a", &format!("Origin: {origin}\r\n")).await;
        let (origin_header, credentials) = match allowed {
            true => (origin, "true"),
            false => ("", ""),
        };
        assert_eq!(reply.header("access-control-allow-origin"), origin_header, "{origin}");
        assert_eq!(reply.header("access-control-allow-credentials"), credentials, "{origin}");
        assert_eq!(reply.header("access-control-expose-headers"), if allowed { "X-A, X-B" } else { "" });
        assert_eq!(reply.header("vary"), "Origin");
    }
    let preflight = "Origin: https://example.com\r\nAccess-Control-Request-Method: GET\r\n\
                     Access-Control-Request-Private-Network: true\r\n";
    let reply = site.ask_with("OPTIONS", "/a", preflight).await;
    assert_eq!(reply.header("access-control-allow-private-network"), "true");
}

#[tokio::test]
async fn ratelimit_gives_each_client_a_budget() {
    let options =
        "ratelimit.requests: 1, ratelimit.window: 1h, ratelimit.burst: 2, ratelimit.key: 'header:X-Key'";
    let site = site(&format!("middleware: [ratelimit], options: {{{options}}}")).await;
    let ask = |key: &'static str| {
        let site = &site;
        async move { site.ask_with("GET", "/a", &format!("X-Key: {key}\r\n")).await }
    };
    let first = ask("one").await;
    assert_eq!((first.status, first.header("x-ratelimit-limit")), (200, "1"));
    assert_eq!(first.header("x-ratelimit-remaining"), "1");
    assert_eq!(ask("one").await.status, 200);
    let refused = ask("one").await;
    assert_eq!((refused.status, refused.text().as_str()), (429, r#"{"error":"too many requests"}"#));
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    // Another key has a budget of its own, and whoever has none has that of its address.
    assert_eq!(ask("two").await.status, 200);
    assert_eq!((site.get("/a").await.0, site.get("/a").await.0, site.get("/a").await.0), (200, 200, 429));
}

#[tokio::test]
async fn ratelimit_remembers_a_bounded_number_of_clients() {
    let options = "ratelimit.requests: 1, ratelimit.window: 1h, ratelimit.burst: 1, ratelimit.key: 'query:k', \
                   ratelimit.max_entries: 2";
    let site = site(&format!("middleware: [ratelimit], options: {{{options}}}")).await;
    for (key, status) in [("a", 200), ("b", 200), ("a", 429), ("c", 200), ("a", 429), ("b", 200)] {
        assert_eq!(site.get(&format!("/a?k={key}")).await.0, status, "{key}");
    }
}

fn unzipped(reply: &Reply) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*reply.body).read_to_string(&mut text).expect("it is gzip");
    text
}

#[tokio::test]
async fn compress_compresses_texts_for_those_who_accept_it() {
    let site = site("middleware: [compress]").await;
    for accepts in ["gzip", "br, gzip;q=0.5", "*", "x-gzip"] {
        for path in ["/large", "/large?flush"] {
            let reply = site.ask_with("GET", path, &format!("Accept-Encoding: {accepts}\r\n")).await;
            assert_eq!((reply.header("content-encoding"), reply.header("vary")), ("gzip", "Accept-Encoding"));
            assert_eq!(reply.header("etag"), "W/\"1\"");
            assert!(reply.body.len() < 1_000 && unzipped(&reply) == "x".repeat(10_000), "{accepts}");
        }
    }
    for accepts in ["identity", "br", "gzip;q=0", "gzip;q=0, *"] {
        let reply = site.ask_with("GET", "/large", &format!("Accept-Encoding: {accepts}\r\n")).await;
        assert_eq!((reply.header("content-encoding"), reply.body.len()), ("", 10_000), "{accepts}");
        assert_eq!(reply.header("vary"), "Accept-Encoding");
    }
}

#[tokio::test]
async fn compress_leaves_alone_what_does_not_gain() {
    let site = site("middleware: [compress]").await;
    for path in ["/a", "/large?type=image/png", "/large?type=text/event-stream", "/nothing"] {
        let reply = site.ask_with("GET", path, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(reply.header("content-encoding"), "", "{path}");
    }
    let head = site.ask_with("HEAD", "/large", "Accept-Encoding: gzip\r\n").await;
    assert_eq!((head.header("content-encoding"), head.header("content-length")), ("", "10000"));
}

#[tokio::test]
async fn real_ip_believes_trusted_proxies_only() {
    let trusting = site("middleware: [real_ip]").await;
    for (headers, client) in [
        ("", "127.0.0.1"),
        ("X-Real-IP: 8.8.8.8\r\n", "8.8.8.8"),
        ("True-Client-IP: 1.1.1.1\r\nX-Real-IP: 8.8.8.8\r\n", "1.1.1.1"),
        ("X-Forwarded-For: 8.8.8.8\r\n", "8.8.8.8"),
        // The last that is no proxy of ours: what stands before it, the client may have made up.
        ("X-Forwarded-For: 6.6.6.6, 8.8.8.8, 10.0.0.1\r\n", "8.8.8.8"),
        ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 8.8.8.8\r\n", "8.8.8.8"),
        ("X-Forwarded-For: 10.0.0.9, 10.0.0.1\r\n", "10.0.0.9"),
        ("X-Forwarded-For: [2001:db8::1]:99\r\n", "2001:db8::1"),
        ("X-Real-IP: nonsense\r\n", "127.0.0.1"),
        ("X-Forwarded-For: 8.8.8.8, nonsense\r\n", "127.0.0.1"),
    ] {
        assert_eq!(
            trusting.ask_with("GET", "/client", headers).await.text(),
            format!("\"{client}\""),
            "{headers}"
        );
    }
    let strict = site("middleware: [real_ip], options: {real_ip.trusted.subnets: '10.0.0.0/8, ::1'}").await;
    assert_eq!(strict.ask_with("GET", "/client", "X-Real-IP: 8.8.8.8\r\n").await.text(), "\"127.0.0.1\"");
}

#[tokio::test]
async fn the_first_in_the_list_is_the_outermost() {
    // The limit sees the address that `real_ip` found.
    let options = "ratelimit.burst: 1, ratelimit.window: 1h, ratelimit.requests: 1";
    let site = site(&format!("middleware: [real_ip, ratelimit], options: {{{options}}}")).await;
    for (client, status) in [("8.8.8.8", 200), ("9.9.9.9", 200), ("8.8.8.8", 429)] {
        assert_eq!(site.ask_with("GET", "/a", &format!("X-Real-IP: {client}\r\n")).await.status, status);
    }
}

#[test]
fn unknown_middleware_and_options_are_refused_at_load() {
    let server = "{name: web, kind: http.service, addr: ':0'}";
    for (fields, said) in [
        ("middleware: [crs]", "app:r: field `middleware[1]`: there is no middleware `crs`"),
        ("post_middleware: [cors]", "list it in `middleware`"),
        ("middleware: [cors], options: {cors.alow.origins: x}", "`cors` has no option `alow.origins`"),
        ("options: {cors.allow.origins: x}", "`middleware` does not list `cors`"),
        ("middleware: [cors], options: {origins: x}", "`origins` belongs to no middleware"),
        ("middleware: [cors], options: {cors.allow.credentials: true}", "name the origins"),
        ("middleware: [cors], options: {cors.max.age: long}", "`long` is no integer from 0 to"),
        ("middleware: [ratelimit], options: {ratelimit.window: 5}", "`5` is no duration"),
        ("middleware: [ratelimit], options: {ratelimit.key: cookie}", "none of `ip`, `header:NAME`"),
        ("middleware: [compress], options: {compress.level: 9}", "none of `fastest`, `default` and `best`"),
        ("middleware: [real_ip], options: {real_ip.trusted.subnets: here}", "`here` is no network"),
        ("middleware: [real_ip], options: {real_ip.trust_all: maybe}", "neither `true` nor `false`"),
    ] {
        let problems = problems(&[server, &format!("{{name: r, kind: http.router, server: web, {fields}}}")]);
        assert!(problems.contains(said) && problems.contains("app:r: field"), "{fields}: {problems}");
    }
}
