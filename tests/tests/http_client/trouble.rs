//! Networks that fail, servers that do not keep to the rules, and what an entry may take of its host.

use super::{GET, app, app_with, check, refusal, site};
use crate::servers::{self, serve_bytes};
use perilune::{Kind, Limits};
use perilune_tests::{TIGHT, limit};
use std::time::Duration;

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
async fn a_request_takes_no_longer_than_its_call() {
    let site = site().await;
    let limits = Limits { timeout: Some(Duration::from_millis(100)), ..Limits::DEFAULT };
    let failure = refusal(&app_with(&["127.0.0.1"], "", GET, limits), &site.url("/never")).await;
    assert_eq!((&failure.kind, limit(&failure)), (&Kind::Timeout, Some("timeout")));
    site.until(|counts| counts.running == 0).await;
}
