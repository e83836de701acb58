//! What happens on one connection: requests in a row, several protocols, errors in between.

use crate::support::{Site, function, http2_client, says, within};
use perilune_value::{Failure, Value};
use std::sync::Arc;
use tokio::sync::Barrier;

const GET: &str = "GET /a HTTP/1.1\r\nHost: test\r\n\r\n";

#[tokio::test]
async fn requests_that_come_together_are_answered_in_order() {
    let f = function("f", |exchange| async move { Ok(Value::from(exchange.uri().path())) });
    let site = Site::plain(&["GET /a/{n} f"], [f]).await;
    let mut wire = site.connect().await;
    let all: String = (0..100).map(|n| format!("GET /a/{n} HTTP/1.1\r\nHost: test\r\n\r\n")).collect();
    wire.send(all).await;
    for n in 0..100 {
        assert_eq!(wire.reply().await.text(), format!("\"/a/{n}\""));
    }
}

#[tokio::test]
async fn a_connection_outlives_errors() {
    let fails = function("fails", |_| async { Err(Failure::internal("broken")) });
    let site = Site::plain(&["GET /a hello", "POST /a fails", "PUT /a hello"], [says("hello"), fails]).await;
    let mut wire = site.connect().await;
    for (method, path, body, status) in [
        ("POST", "/a", "", 500),
        ("GET", "/nothing", "", 404),
        ("DELETE", "/a", "", 405),
        // Nobody reads it.
        ("PUT", "/a", "hello", 200),
        ("GET", "/a", "", 200),
    ] {
        let length = body.len();
        wire.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
        assert_eq!(wire.reply().await.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn a_client_may_close_and_may_ask_to_go_on() {
    let site = Site::plain(&["GET /a f"], [says("f")]).await;
    let mut closing = site.connect().await;
    closing.send("GET /a HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await;
    assert_eq!(closing.reply().await.header("connection"), "close");
    assert_eq!(closing.rest().await, b"");
    let mut old = site.connect().await;
    old.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /a HTTP/1.0\r\n\r\n").await;
    assert_eq!((old.reply().await.status, old.reply().await.status), (200, 200));
}

#[tokio::test]
async fn a_body_that_must_be_asked_for_is_asked_for() {
    let f = function(
        "f",
        |exchange| async move { Ok(Value::from(exchange.length().unwrap_or_default() as i64)) },
    );
    let site = Site::plain(&["POST /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send("POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(wire.head().await.status, 100);
    wire.send("hello").await;
    assert_eq!(wire.reply().await.text(), "5");
}

#[tokio::test]
async fn a_connection_that_waits_too_long_is_closed() {
    let site = Site::new("timeouts: {idle: 100ms}", "", &["GET /a f"], [says("f")]).await;
    let mut wire = site.connect().await;
    wire.send(GET).await;
    assert_eq!(wire.reply().await.status, 200);
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn a_call_may_take_longer_than_a_connection_may_be_idle() {
    let f = function("f", |_| async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        Ok(Value::from("late"))
    });
    let server = "timeouts: {idle: 50ms, read: 50ms, write: 50ms}, limits: {header_timeout: 50ms}";
    let site = Site::new(server, "", &["GET /a f"], [f]).await;
    assert_eq!(site.get("/a").await, (200, "\"late\"".to_owned()));
}

#[tokio::test]
async fn http2_serves_requests_of_one_connection_side_by_side() {
    let meeting = Arc::new(Barrier::new(3));
    let f = function("f", move |exchange| {
        let meeting = meeting.clone();
        async move {
            // None goes on before all are there.
            meeting.wait().await;
            Ok(Value::from(exchange.host()))
        }
    });
    let site = Site::plain(&["GET /a f", "POST /b g"], [f, says("g")]).await;
    let client = http2_client();
    let url = format!("http://{}/a", site.address);
    let get = || async {
        let response = client.get(&url).send().await.expect("it is answered");
        assert_eq!(response.version(), reqwest::Version::HTTP_2);
        response.text().await.expect("a text")
    };
    let expected = format!("\"{}\"", site.address);
    let (one, two, three) = within(async { tokio::join!(get(), get(), get()) }).await;
    assert_eq!([one, two, three], [expected.clone(), expected.clone(), expected]);
    let posted = client.post(format!("http://{}/b", site.address)).body("x".repeat(100_000)).send().await;
    assert_eq!(posted.expect("it is answered").status(), 200);
}

#[tokio::test]
async fn a_request_that_http2_takes_back_ends_its_call() {
    struct Ended(Arc<tokio::sync::Notify>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let begun = Arc::new(tokio::sync::Notify::new());
    let ended = Arc::new(tokio::sync::Notify::new());
    let (tell_begun, tell_ended) = (begun.clone(), ended.clone());
    let f = function("f", move |_| {
        let (begun, ended) = (tell_begun.clone(), Ended(tell_ended.clone()));
        async move {
            let _ended = ended;
            begun.notify_one();
            std::future::pending().await
        }
    });
    let site = Site::plain(&["GET /a f", "GET /b g"], [f, says("g")]).await;
    let client = http2_client();
    let request = client.get(format!("http://{}/a", site.address)).send();
    let waiting = tokio::spawn(request);
    within(begun.notified()).await;
    waiting.abort();
    within(ended.notified()).await;
    let other = client.get(format!("http://{}/b", site.address)).send().await;
    assert_eq!(other.expect("the connection goes on").status(), 200);
}
