//! Responses that leave while their function still runs.

use crate::support::{Site, function, within};
use perilune_http::{BUFFERED, Reply, Transfer};
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, Semaphore};

#[tokio::test]
async fn what_is_flushed_arrives_while_the_function_runs() {
    let goes_on = Arc::new(Notify::new());
    let wait = goes_on.clone();
    let f = function("f", move |exchange| {
        let wait = wait.clone();
        async move {
            exchange.reply().write(b"first")?;
            exchange.reply().flush()?;
            wait.notified().await;
            exchange.reply().write(b"second")?;
            Ok(Value::from("ignored"))
        }
    });
    let site = Site::plain(&["GET /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("transfer-encoding")), (200, "chunked"));
    assert_eq!(wire.chunk().await.as_deref(), Some(&b"first"[..]));
    goes_on.notify_one();
    assert_eq!(wire.chunk().await.as_deref(), Some(&b"second"[..]));
    assert_eq!(wire.chunk().await, None);
}

#[tokio::test]
async fn nothing_changes_once_the_body_has_begun() {
    let f = function("f", |exchange| async move {
        let reply = exchange.reply();
        reply.set_status(202)?;
        reply.write(b"x")?;
        for refused in [
            reply.set_status(200),
            reply.set_header(b"x-late", b"1"),
            reply.set_transfer(Transfer::Events),
            reply.write_event("late", "1").map(drop),
        ] {
            assert_eq!(refused.expect_err("too late").kind, Kind::Invalid);
        }
        Ok(Value::Nil)
    });
    let reply = Site::plain(&["GET /a f"], [f]).await.ask("GET", "/a").await;
    assert_eq!((reply.status, reply.text().as_str(), reply.header("x-late")), (202, "x", ""));
}

/// Writes until there is no room.
fn fill(reply: &Reply) -> Result<usize, Failure> {
    let mut written = 0;
    while reply.write(&[b'x'; 1_000])? {
        written += 1_000;
    }
    Ok(written)
}

#[tokio::test]
async fn a_client_that_takes_nothing_holds_up_the_function_and_not_the_memory() {
    let filled = Arc::new(AtomicUsize::new(0));
    let seen = filled.clone();
    let full = Arc::new(Semaphore::new(0));
    let tell = full.clone();
    let f = function("f", move |exchange| {
        let (seen, tell) = (seen.clone(), tell.clone());
        async move {
            for _ in 0..200 {
                // As much as fits now: the rest waits for the client.
                let filled = fill(exchange.reply())?;
                assert!(filled <= BUFFERED + 1_000, "{filled} bytes were taken at once");
                seen.fetch_add(filled, Ordering::Relaxed);
                tell.add_permits(1);
                exchange.reply().clone().room().await?;
            }
            Ok(Value::Nil)
        }
    });
    let site = Site::plain(&["GET /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send("GET /a HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await;
    within(full.acquire()).await.expect("it is open").forget();
    assert_eq!(wire.reply().await.body.len(), filled.load(Ordering::Relaxed));
}

#[tokio::test]
async fn events_are_sent_one_by_one() {
    let goes_on = Arc::new(Notify::new());
    let wait = goes_on.clone();
    let f = function("f", move |exchange| {
        let wait = wait.clone();
        async move {
            let reply = exchange.reply();
            for name in ["", "a\nb", "a\rb"] {
                assert_eq!(reply.write_event(name, "1").expect_err("no name").kind, Kind::Invalid);
            }
            reply.write_event("tick", "{\"n\":1}")?;
            wait.notified().await;
            reply.write_event("tick", "{\"n\":2}")?;
            Ok(Value::Nil)
        }
    });
    let site = Site::plain(&["GET /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let head = wire.head().await;
    assert_eq!(
        (head.header("content-type"), head.header("cache-control")),
        ("text/event-stream", "no-cache")
    );
    assert_eq!(wire.chunk().await.as_deref(), Some(&b"event: tick\ndata: {\"n\":1}\n\n"[..]));
    goes_on.notify_one();
    assert_eq!(wire.chunk().await.as_deref(), Some(&b"event: tick\ndata: {\"n\":2}\n\n"[..]));
}

#[tokio::test]
async fn a_failure_after_the_begin_cuts_the_response_off() {
    let f = function("f", |exchange| async move {
        exchange.reply().write(b"half of")?;
        exchange.reply().flush()?;
        tokio::task::yield_now().await;
        Err(Failure::internal("broken"))
    });
    let site = Site::plain(&["GET /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(wire.head().await.status, 200);
    let rest = String::from_utf8(wire.rest().await).expect("text");
    assert!(!rest.ends_with("0\r\n\r\n"), "a complete body would end so: {rest:?}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call() {
    for flushes in [false, true] {
        let begun = Arc::new(Notify::new());
        let ended = Arc::new(Notify::new());
        let (tell_begun, tell_ended) = (begun.clone(), ended.clone());
        let f = function("f", move |exchange| {
            let (begun, ended) = (tell_begun.clone(), EndNotice(tell_ended.clone()));
            async move {
                let _ended = ended;
                if flushes {
                    exchange.reply().write(b"x")?;
                    exchange.reply().flush()?;
                }
                begun.notify_one();
                std::future::pending::<()>().await;
                Ok(Value::Nil)
            }
        });
        let site = Site::plain(&["POST /a f"], [f]).await;
        let mut wire = site.connect().await;
        // A small body that nobody reads must not hide that the client has gone.
        wire.send("POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello").await;
        within(begun.notified()).await;
        drop(wire);
        within(ended.notified()).await;
    }
}

/// Tells when it is dropped.
struct EndNotice(Arc<Notify>);

impl Drop for EndNotice {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_writer_learns_that_the_client_has_gone() {
    let begun = Arc::new(Notify::new());
    let (tell, learned) = (begun.clone(), Arc::new(Notify::new()));
    let told = learned.clone();
    let f = function("f", move |exchange| {
        let (begun, learned) = (tell.clone(), told.clone());
        async move {
            let reply = exchange.reply().clone();
            // Apart from the call, which ends with its client.
            tokio::spawn(async move {
                let stream = reply.into_stream();
                while stream.write(vec![b'x'; 100_000]).await.is_ok() {}
                learned.notify_one();
            });
            begun.notify_one();
            std::future::pending::<()>().await;
            Ok(Value::Nil)
        }
    });
    let site = Site::plain(&["GET /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\n").await;
    within(begun.notified()).await;
    drop(wire);
    within(learned.notified()).await;
}

#[tokio::test]
async fn head_gets_the_length_that_get_would_have() {
    let f = function("f", |exchange| async move {
        for _ in 0..100 {
            assert!(exchange.reply().write(&[b'x'; 10_000])?, "nobody waits for what nobody takes");
        }
        exchange.reply().flush()?;
        Ok(Value::Nil)
    });
    let reply = Site::plain(&["GET /a f"], [f]).await.ask("HEAD", "/a").await;
    assert_eq!((reply.status, reply.header("content-length")), (200, "1000000"));
}
