//! Clients of `websocket_relay` that mean harm: each loses its own connection, and nobody else notices.

use crate::relay::{House, told};
use futures_util::SinkExt;
use perilune_tests::web::Wire;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// A frame of a client: its first byte, and up to 125 bytes under a mask that changes nothing.
fn frame(first: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("a short frame") | 0x80;
    [&[first, length, 0, 0, 0, 0], data].concat()
}

/// A connection that has switched to WebSockets, and says bytes of its own from then on.
async fn switched(house: &House, query: &str) -> Wire {
    let mut wire = Wire::connect(house.address).await;
    let headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    wire.send(format!("GET /ws?{query} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", house.address)).await;
    assert_eq!(wire.head().await.status, 101);
    wire
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_its_connection_and_no_other() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let mut other = house.client(&format!("pid={room}&topic=chat&name=other")).await;
    told(&mut other).await;
    let (text, more, close, ping) = (0x81, 0x00, 0x88, 0x89);
    let huge = [&[0x82, 0xff][..], &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[0; 4]].concat();
    for (name, bytes) in [
        ("unmasked", vec![text, 2, b'h', b'i']),
        ("reserved", frame(0xf1, b"hi")),
        ("unknown", frame(0x83, b"hi")),
        ("latin", frame(text, b"\xff\xfe")),
        ("cut", [frame(0x01, "\u{20ac}".as_bytes()[..2].as_ref()), frame(0x80, b"")].concat()),
        ("huge", huge),
        ("orphan", frame(0x80, b"hi")),
        ("nested", [frame(0x01, b"a"), frame(text, b"b")].concat()),
        ("pieces", frame(0x09, b"hi")),
        ("long-ping", [&[ping, 0xfe, 0, 126, 0, 0, 0, 0][..], &[0; 126]].concat()),
        ("half-closed", [frame(0x01, b"begun"), frame(more, b"and not"), frame(close, b"\x03\xe8")].concat()),
        ("bad-close", frame(close, b"\x03")),
    ] {
        let mut wire = switched(&house, &format!("pid={room}&topic=chat&name={name}")).await;
        wire.send(&bytes).await;
        house.heard(&format!("hall: ws.leave {name}")).await;
        wire.rest().await;
    }
    other.send(Message::text("still there?")).await.expect("it is sent");
    assert_eq!(told(&mut other).await, r#"{"topic":"echo","data":"still there?"}"#);
}

/// Each answer to a ping is kept until the client takes it.
#[tokio::test]
async fn a_client_that_pings_and_takes_no_answers_is_made_to_wait() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let mut wire = switched(&house, &format!("pid={room}&name=flood")).await;
    let burst = frame(0x89, &[b'p'; 125]).repeat(1_000);
    // Far more than the buffers of two sockets.
    let mut taken = 0;
    while taken < 400 && wire.takes(&burst, Duration::from_secs(3)).await {
        taken += 1;
    }
    assert!(taken < 400, "{} MB of pings were taken", taken * burst.len() / 1_000_000);
    let mut other = house.client(&format!("pid={room}&topic=chat")).await;
    assert_eq!(told(&mut other).await, r#"{"topic":"hello","data":{"from":"hall"}}"#);
    drop(wire);
    house.heard("hall: ws.leave flood").await;
}

#[tokio::test]
async fn a_client_whose_process_takes_nothing_stays_no_longer_than_it_may() {
    let deaf = "  - {name: deaf, kind: process.lua, modules: [time], source: 'return function() \
                print(\"deaf is \" .. process.pid()) require(\"time\").sleep(\"10m\") end'}";
    let house = House::with("", deaf).await;
    let _deaf = house.app.spawn("app:deaf", &[]);
    let pid = house.heard("deaf is ").await.replace('{', "%7B").replace('}', "%7D").replace('|', "%7C");
    let mut client = house.client(&format!("pid={pid}&hard=300ms")).await;
    for _ in 0..3_000 {
        if client.send(Message::text("x".repeat(100))).await.is_err() {
            break;
        }
    }
    assert_eq!(told(&mut client).await, "closed: 1000 the time is up");
}
