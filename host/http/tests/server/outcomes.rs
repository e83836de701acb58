//! What becomes of what a function returned or failed with.

use crate::support::{Site, function};
use perilune_test_log::Log;
use perilune_value::{Failure, Kind, Value};

/// The response to a call with this outcome.
async fn response(outcome: Result<Value, Failure>) -> crate::support::Reply {
    let f = function("f", move |_| {
        let outcome = outcome.clone();
        async move { outcome }
    });
    Site::plain(&["GET /a f"], [f]).await.ask("GET", "/a").await
}

#[tokio::test]
async fn a_returned_value_is_json_and_none_is_no_content() {
    let reply = response(Ok(Value::from_iter([("a", Value::from(vec![Value::from(1), Value::Nil]))]))).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.text(), r#"{"a":[1,null]}"#);
    assert_eq!(response(Ok(Value::from(false))).await.text(), "false");
    let nothing = response(Ok(Value::Nil)).await;
    assert_eq!((nothing.status, nothing.header("content-length"), nothing.text().as_str()), (204, "", ""));
}

#[tokio::test]
async fn a_large_value_is_json_as_well() {
    let reply = response(Ok(Value::from("x".repeat(1 << 20)))).await;
    assert_eq!((reply.status, reply.body.len()), (200, (1 << 20) + 2));
}

#[tokio::test]
async fn a_failure_tells_the_client_a_number_and_nothing_else() {
    let failure =
        Failure { stack: Some("at secret.lua:1".to_owned()), ..Failure::not_found("the secret is 42") };
    let reply = response(Err(failure.with_detail("secret", "42"))).await;
    assert_eq!((reply.status, reply.header("content-type")), (500, "application/json"));
    let id = reply.header("x-error-id");
    assert_eq!(id.len(), 32);
    assert_eq!(reply.text(), format!(r#"{{"error":"internal server error","id":"{id}"}}"#));
    assert_ne!(response(Err(Failure::internal("again"))).await.header("x-error-id"), id);
}

#[tokio::test]
async fn the_log_has_what_the_client_is_not_told() {
    let log = Log::keep();
    let failure =
        Failure { stack: Some("at secret.lua:1".to_owned()), ..Failure::not_found("the secret is 42") };
    let id = response(Err(failure.with_detail("where", "the cellar"))).await.header("x-error-id").to_owned();
    let records = log.records();
    let record = records.iter().find(|record| record.contains(&id)).expect("the id stands in the log");
    for known in ["the secret is 42", "at secret.lua:1", "the cellar", "app:e_GET_a", "GET", "/a", "NotFound"]
    {
        assert!(record.contains(known), "{known}: {record}");
    }
}

#[tokio::test]
async fn what_the_host_did_to_a_call_has_a_status_of_its_own() {
    let raised = |kind: Kind| Failure { stack: Some("at f".to_owned()), ..Failure::new(kind, "raised") };
    let limit = |kind: Kind, limit: &str| Failure::new(kind, "host").with_detail("limit", limit);
    for (failure, status) in [
        (limit(Kind::Timeout, "timeout"), 504),
        (limit(Kind::Timeout, "cpu"), 504),
        (limit(Kind::Unavailable, "queue"), 503),
        (limit(Kind::RateLimited, "depth"), 503),
        (limit(Kind::RateLimited, "memory"), 500),
        (Failure::new(Kind::PermissionDenied, "host").with_detail("action", "funcs.call"), 403),
        (Failure::new(Kind::PermissionDenied, "called `sql` without being granted it"), 500),
        (Failure::not_found("no entry app:f"), 500),
        (raised(Kind::Timeout), 500),
        (raised(Kind::Unavailable), 500),
        (raised(Kind::PermissionDenied).with_detail("action", "db.get"), 500),
    ] {
        let reply = response(Err(failure.clone())).await;
        assert_eq!(reply.status, status, "{failure:?}");
        assert_eq!(reply.header("retry-after"), if status == 503 { "1" } else { "" });
    }
}

#[tokio::test]
async fn a_failed_call_never_looks_like_one_that_went_well() {
    let fails = function("fails", |exchange| async move {
        exchange.reply().set_header(b"x-half", b"1")?;
        exchange.reply().write(b"half of")?;
        Err(Failure::internal("broken"))
    });
    let reports = function("reports", |exchange| async move {
        exchange.reply().set_status(404)?;
        exchange.reply().write(b"no such thing")?;
        Err(Failure::internal("broken"))
    });
    let site = Site::plain(&["GET /fails fails", "GET /reports reports"], [fails, reports]).await;
    let reply = site.ask("GET", "/fails").await;
    assert_eq!((reply.status, reply.header("x-half")), (500, ""));
    assert!(!reply.text().contains("half"));
    // The handler said itself that it is an error.
    assert_eq!(site.get("/reports").await, (404, "no such thing".to_owned()));
}

#[tokio::test]
async fn a_touched_response_is_sent_and_the_value_is_not() {
    let f = function("f", |exchange| async move {
        exchange.reply().set_status(201)?;
        exchange.reply().set_header(b"Location", b"/a/1")?;
        Ok(Value::from("ignored"))
    });
    let reply = Site::plain(&["GET /a f"], [f]).await.ask("GET", "/a").await;
    assert_eq!((reply.status, reply.header("location"), reply.text().as_str()), (201, "/a/1", ""));
}

#[tokio::test]
async fn the_server_decides_how_a_message_lies_on_the_wire() {
    let f = function("f", |exchange| async move {
        let reply = exchange.reply();
        let refused = |name: &str, value: &str| {
            reply.set_header(name.as_bytes(), value.as_bytes()).expect_err(name).kind == Kind::Invalid
        };
        for name in ["Transfer-Encoding", "connection", "Upgrade", "TE", "Trailer", "a b", "", "a\r\nb", "ü"]
        {
            assert!(refused(name, "x"), "{name}");
        }
        assert!(
            refused("x-a", "split\r\nSet-Cookie: a=b")
                && refused("x-a", "\0")
                && refused("content-length", "x")
        );
        for code in [0, 99, 100, 101, 199, 600, 65_535] {
            assert_eq!(reply.set_status(code).expect_err("no status").kind, Kind::Invalid);
        }
        // What was announced may not be what comes.
        reply.set_header(b"Content-Length", b"3")?;
        reply.write(b"hello")?;
        Ok(Value::Nil)
    });
    let reply = Site::plain(&["GET /a f"], [f]).await.ask("GET", "/a").await;
    assert_eq!((reply.header("content-length"), reply.text().as_str()), ("5", "hello"));
}

#[tokio::test]
async fn headers_of_a_response_are_bounded() {
    let f = function("f", |exchange| async move {
        let reply = exchange.reply();
        for _ in 0..1_000 {
            reply.set_header(b"x-same", &[b'x'; 1_000])?;
        }
        let many = (0..1_000).find_map(|n| reply.set_header(format!("x-{n}").as_bytes(), b"").err());
        assert_eq!(many.expect("there is a bound").kind, Kind::Invalid);
        assert_eq!(reply.set_header(b"x-same", &[b'x'; 40_000]).expect_err("too long").kind, Kind::Invalid);
        Ok(Value::Nil)
    });
    assert_eq!(Site::plain(&["GET /a f"], [f]).await.ask("GET", "/a").await.status, 200);
}

#[tokio::test]
async fn text_is_not_guessed_to_be_a_page() {
    let f = function("f", |exchange| async move {
        exchange.reply().write(b"<script>alert(1)</script>")?;
        Ok(Value::Nil)
    });
    let reply = Site::plain(&["GET /a f"], [f]).await.ask("GET", "/a").await;
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn some_statuses_have_no_body_whatever_is_written() {
    let f = function("f", |exchange| async move {
        exchange
            .reply()
            .set_status(exchange.query().next().expect("a query").1.parse().expect("a number"))?;
        exchange.reply().write(b"body")?;
        exchange.reply().flush()?;
        Ok(Value::Nil)
    });
    let site = Site::plain(&["GET /a f"], [f]).await;
    let mut wire = site.connect().await;
    for status in [204, 304, 205, 200] {
        wire.send(format!("GET /a?s={status} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
        let reply = wire.reply().await;
        assert_eq!((reply.status, reply.text().as_str()), (status, if status == 200 { "body" } else { "" }));
    }
}
