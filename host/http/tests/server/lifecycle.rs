//! Starting and stopping.

use crate::support::{Site, function, says, within};
use perilune_resource::Service;
use perilune_value::{Kind, Value};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::Notify;

const GET: &str = "GET /a HTTP/1.1\r\nHost: test\r\n\r\n";

/// A function that tells when it has begun, and ends when it is let.
fn waits(begun: &Arc<Notify>, goes_on: &Arc<Notify>) -> crate::support::Function {
    let (begun, goes_on) = (begun.clone(), goes_on.clone());
    function("f", move |_| {
        let (begun, goes_on) = (begun.clone(), goes_on.clone());
        async move {
            begun.notify_one();
            goes_on.notified().await;
            Ok(Value::from("done"))
        }
    })
}

#[tokio::test]
async fn a_stopping_server_finishes_what_runs_and_takes_nothing_new() {
    let (begun, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let site = Site::plain(&["GET /a f", "GET /b g"], [waits(&begun, &goes_on), says("g")]).await;
    let mut idle = site.connect().await;
    idle.send("GET /b HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(idle.reply().await.status, 200);
    let mut busy = site.connect().await;
    busy.send(GET).await;
    within(begun.notified()).await;
    let stopping = tokio::spawn(site.service.stop());
    // Who waits for nothing is let go at once.
    assert_eq!(idle.rest().await, b"");
    assert!(TcpStream::connect(site.address).await.is_err());
    assert!(!stopping.is_finished());
    goes_on.notify_one();
    let reply = busy.reply().await;
    assert_eq!((reply.text().as_str(), reply.header("connection")), ("\"done\"", "close"));
    within(stopping).await.expect("it stops");
    assert_eq!(site.service.local_addr(), None);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_off() {
    let (begun, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let site = Site::plain(&["GET /a f"], [waits(&begun, &goes_on)]).await;
    let mut busy = site.connect().await;
    busy.send(GET).await;
    within(begun.notified()).await;
    let stopping = tokio::spawn(site.service.stop());
    tokio::task::yield_now().await;
    // Whoever stops services waits for `stop_timeout`, and then no more.
    stopping.abort();
    assert_eq!(busy.rest().await, b"");
}

#[tokio::test]
async fn a_server_can_be_started_again() {
    let site = Site::plain(&["GET /a f"], [says("f")]).await;
    let address = site.service.address().expect("it runs");
    assert_eq!(address, format!("http://{}", site.address));
    site.service.stop().await;
    site.service.stop().await;
    site.service.start().await.expect("it starts again");
    let again = site.service.local_addr().expect("it runs");
    assert!(TcpStream::connect(again).await.is_ok());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let site = Site::plain(&[], []).await;
    let lines = [format!("{{name: web, kind: http.service, addr: '{}'}}", site.address)];
    let failure = Site::of(&lines, []).await.err().expect("it does not start");
    assert_eq!(failure.kind, Kind::AlreadyExists);
    assert!(
        failure.message.contains(&site.address.to_string()) && failure.message.contains("app:web"),
        "{failure}"
    );
    assert!(
        failure.message.ends_with("another program listens there: stop it, or change `addr`"),
        "{failure}"
    );
}
