//! Clients that break the rules, or use them against the server. Whatever they do, others are answered.

use crate::support::{Function, Site, function, says};
use perilune_http::BodyLimits;
use perilune_value::Value;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LIMITS: BodyLimits = BodyLimits { most: 1 << 30, timeout: Duration::from_secs(30) };

/// Reads its body and says how much it was; counts its calls.
fn reads(calls: &Arc<AtomicUsize>) -> Function {
    let calls = calls.clone();
    function("reads", move |exchange| {
        calls.fetch_add(1, Ordering::Relaxed);
        async move {
            let mut length = 0;
            if let Ok(mut body) = exchange.take_body(LIMITS) {
                while let Some(piece) = body.next().await? {
                    length += piece.len();
                }
            }
            Ok(Value::from(i64::try_from(length).expect("not so many")))
        }
    })
}

async fn site(server: &str) -> (Site, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let site =
        Site::new(server, "", &["GET /a hello", "POST /a reads"], [says("hello"), reads(&calls)]).await;
    (site, calls)
}

/// Patience of a second where the default has ten, and so on: tests wait for what must happen, not for a clock.
const IMPATIENT: &str =
    "timeouts: {read: 300ms, write: 300ms, idle: 10s}, limits: {header_timeout: 300ms, max_body: 100kB}";

/// The status of what a client is told that sends this, or 0 where the connection just ends.
async fn told(site: &Site, request: impl AsRef<[u8]>) -> u16 {
    let mut wire = site.connect().await;
    wire.send(request).await;
    let status = match wire.line().await {
        Some(line) => line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"),
        None => 0,
    };
    wire.rest().await;
    assert_eq!(site.get("/a").await, (200, "\"hello\"".to_owned()), "the server goes on");
    status
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let (site, calls) = site("").await;
    for (request, status) in [
        ("\x01\x02\x03\r\n\r\n", 400),
        ("GET\r\n\r\n", 400),
        ("GET /a\r\n\r\n", 400),
        ("GET /a HTTP/9.9\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost test\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: test\r\n Folded: x\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: test\r\nBad Name: x\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: test\r\nX: a\0b\r\n\r\n", 400),
        ("G@T /a HTTP/1.1\r\nHost: test\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: test\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: one\r\nHost: two\r\nConnection: close\r\n\r\n", 400),
        ("GET /\u{fc} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", 404),
        ("CONNECT test:80 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", 404),
        ("OPTIONS * HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", 404),
        ("GET /a HTTP/1.0\r\n\r\n", 200),
        ("GET http://test/a HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", 200),
    ] {
        assert_eq!(told(&site, request).await, status, "{request:?}");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_request_to_no_host_or_to_two_is_told_why_it_is_refused() {
    let (site, _) = site("").await;
    for hosts in ["", "Host: one\r\nHost: two\r\n"] {
        let mut wire = site.connect().await;
        wire.send(format!("GET /a HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")).await;
        let reply = wire.reply().await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (400, r#"{"error":"a request names its host, once"}"#)
        );
    }
}

#[tokio::test]
async fn header_bombs_are_refused() {
    let (site, _) = site("limits: {max_header_bytes: 16KiB, max_headers: 20}").await;
    let with =
        |headers: String| format!("GET /a HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n");
    let many = |count: usize| (0..count).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    for (request, status) in [
        (with(many(18)), 200),
        (with(many(19)), 431),
        (with(many(10_000)), 431),
        (with(format!("X: {}\r\n", "x".repeat(8_000))), 200),
        (with(format!("X: {}\r\n", "x".repeat(1 << 20))), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: test\r\n\r\n", "x".repeat(1 << 20)), 431),
        ("X".repeat(1 << 20), 431),
    ] {
        let shown: String = request.chars().take(60).collect();
        let told = told(&site, &request).await;
        assert!(told == status || (status >= 400 && told == 0), "{shown:?}: {told}");
    }
}

#[tokio::test]
async fn smuggled_requests_are_no_requests() {
    let (site, calls) = site("").await;
    let smuggled = "POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n";
    for (headers, body) in [
        // Two lengths.
        ("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
        ("Content-Length: 5, 6\r\n", "hello"),
        ("Content-Length: +5\r\n", "hello"),
        ("Content-Length: -1\r\n", ""),
        ("Content-Length: 0x5\r\n", "hello"),
        ("Content-Length: 99999999999999999999999\r\n", ""),
        // A coding that is not understood, or not the last.
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
    ] {
        let request = format!("POST /a HTTP/1.1\r\nHost: test\r\n{headers}\r\n{body}{smuggled}");
        assert_eq!(told(&site, request).await, 400, "{headers:?}");
        assert_eq!(calls.swap(0, Ordering::Relaxed), 0, "{headers:?}");
    }
}

#[tokio::test]
async fn nothing_after_a_message_with_two_lengths_is_read() {
    let (site, calls) = site("").await;
    for headers in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    ] {
        let mut wire = site.connect().await;
        let request = "POST /a HTTP/1.1\r\nHost: test\r\n";
        wire.send(format!("{request}{headers}\r\n0\r\n\r\n{request}Content-Length: 0\r\n\r\n")).await;
        assert_eq!(wire.reply().await.text(), "0", "chunked is what counts");
        assert_eq!(wire.rest().await, b"", "and the connection ends");
        assert_eq!(calls.swap(0, Ordering::Relaxed), 1, "{headers:?}");
    }
}

#[tokio::test]
async fn chunks_that_are_none_break_the_body_off() {
    let (site, _) = site(IMPATIENT).await;
    let large = format!("{:x}\r\n{}\r\n", 60_000, "x".repeat(60_000));
    for (chunks, status) in [
        ("zz\r\nhello\r\n0\r\n\r\n".to_owned(), 400),
        ("5\r\nhelloworld\r\n0\r\n\r\n".to_owned(), 400),
        ("-5\r\nhello\r\n0\r\n\r\n".to_owned(), 400),
        ("ffffffffffffffffff\r\nhello".to_owned(), 400),
        (format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(1 << 20)), 400),
        (format!("0\r\n{}\r\n", "X-T: 1\r\n".repeat(100_000)), 400),
        (format!("{large}{large}0\r\n\r\n"), 413),
        // It claims more than it sends, and then says nothing.
        ("ffffff\r\nhello".to_owned(), 408),
    ] {
        let shown: String = chunks.chars().take(40).collect();
        let request = format!("POST /a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        let told = told(&site, request).await;
        assert!(told == status || (told == 0 && status == 400), "{shown:?}: {told}");
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_or_too_slow_reach_no_function() {
    let (site, calls) = site(IMPATIENT).await;
    let post = |length: u64| format!("POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
    assert_eq!(told(&site, post(100_001)).await, 413);
    assert_eq!(told(&site, post(u64::MAX - 1)).await, 431);
    assert_eq!(told(&site, format!("{}hell", post(5))).await, 408);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    // What is larger than is read ahead is read by the function, which gives up.
    assert_eq!(told(&site, format!("{}hello", post(90_000))).await, 408);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn headers_must_arrive_in_time_however_they_drip() {
    let (site, _) = site(IMPATIENT).await;
    let mut silent = site.connect().await;
    let mut half = site.connect().await;
    half.send("GET /a HTTP/1.1\r\nHost: te").await;
    let mut dripping = site.connect().await;
    let drip = async {
        for _ in 0.. {
            dripping.send("X").await;
            if tokio::time::timeout(Duration::from_millis(20), dripping.line()).await.is_ok() {
                return;
            }
        }
    };
    tokio::join!(drip, async { assert_eq!(silent.rest().await, b"") }, async { drop(half.rest().await) });
    // Also on a connection that has served a request.
    let mut used = site.connect().await;
    used.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\nGET /a HT").await;
    assert_eq!(used.reply().await.status, 200);
    used.rest().await;
}

#[tokio::test]
async fn whoever_takes_nothing_is_cut_off() {
    let begun = Arc::new(tokio::sync::Notify::new());
    let ended = Arc::new(tokio::sync::Notify::new());
    struct Ended(Arc<tokio::sync::Notify>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (tell_begun, tell_ended) = (begun.clone(), ended.clone());
    let f = function("f", move |exchange| {
        let (begun, ended) = (tell_begun.clone(), Ended(tell_ended.clone()));
        async move {
            let _ended = ended;
            begun.notify_one();
            exchange.reply().clone().write_all(vec![0; 100 << 20]).await?;
            Ok(Value::Nil)
        }
    });
    let site = Site::new(IMPATIENT, "", &["GET /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\n").await;
    crate::support::within(begun.notified()).await;
    crate::support::within(ended.notified()).await;
    drop(wire);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let (site, _) = site("limits: {max_connections: 2}").await;
    let first = site.connect().await;
    let mut second = site.connect().await;
    second.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(second.reply().await.status, 200);
    let mut third = site.connect().await;
    third.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let early = tokio::time::timeout(Duration::from_millis(50), third.line()).await;
    assert!(early.is_err(), "there is no room for it");
    drop(first);
    assert_eq!(third.line().await.as_deref(), Some("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn connections_that_say_nothing_or_half_close_keep_nobody_waiting() {
    let (site, _) = site("").await;
    // As many as a process with the usual 1,024 files has room for, on both sides.
    let mut idle = Vec::new();
    for number in 0..400 {
        let mut wire = site.connect().await;
        match number % 3 {
            0 => {}
            1 => wire.send("GET /a HTTP/1.1\r\nHost: te").await,
            _ => wire.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await,
        }
        idle.push(wire);
    }
    assert_eq!(site.get("/a").await.0, 200);
    drop(idle);
    // One that says no more ends at once, whatever was begun.
    for begun in
        ["", "GET /a HTTP/1.1\r\nHost: te", "POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhe"]
    {
        let mut wire = site.connect().await;
        wire.send(begun).await;
        wire.half_close().await;
        wire.rest().await;
    }
    assert_eq!(site.get("/a").await.0, 200);
}

#[tokio::test]
async fn a_pipeline_is_answered_no_faster_than_it_is_read() {
    let (site, _) = site(IMPATIENT).await;
    let mut wire = site.connect().await;
    let burst = "GET /a HTTP/1.1\r\nHost: test\r\n\r\n".repeat(1_000);
    // Nothing is read: the server stops taking requests, and cuts off whoever takes no answers.
    for _ in 0..10_000 {
        if !wire.try_send(&burst).await {
            break;
        }
    }
    assert_eq!(site.get("/a").await.0, 200);
    wire.rest().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_bytes_come_the_server_goes_on(
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        begin in prop_oneof![
            Just(&b""[..]),
            Just(&b"GET /a HTTP/1.1\r\nHost: test\r\n"[..]),
            Just(&b"POST /a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"[..]),
            Just(&b"POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 20\r\n\r\n"[..]),
            Just(&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..]),
        ],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (site, _) = site("").await;
            let mut wire = site.connect().await;
            wire.send(begin).await;
            wire.send(&noise).await;
            drop(wire);
            assert_eq!(site.get("/a").await.0, 200);
        });
    }
}
