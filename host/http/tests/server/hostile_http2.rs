//! Clients that use HTTP/2 against the server, frame by frame. Whatever they do, others are answered.

use crate::support::{Function, Site, function, says, within};
use perilune_value::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET /a` of host `t` over http, as HPACK writes it without tables.
const GET_A: &[u8] = b"\x82\x86\x04\x02/a\x01\x01t";
const GET_B: &[u8] = b"\x82\x86\x04\x02/b\x01\x01t";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A client that says what it likes.
struct Client(TcpStream);

/// What the server said: kind, flags, stream, payload.
type Frame = (u8, u8, u32, Vec<u8>);

impl Client {
    /// Shakes hands, with this window for each stream.
    async fn new(site: &Site, window: u32) -> Client {
        let mut client = Client(TcpStream::connect(site.address).await.expect("the server accepts"));
        let settings = [&[0, 4][..], &window.to_be_bytes()].concat();
        let hello = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(SETTINGS, 0, 0, &settings)[..]].concat();
        assert!(client.send(&hello).await);
        client
    }

    /// Sends bytes; false when the server takes no more.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        within(self.0.write_all(bytes)).await.is_ok()
    }

    async fn ask(&mut self, stream: u32, headers: &[u8]) {
        assert!(self.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, headers)).await);
    }

    /// The next frame, or nothing at the end of the connection.
    async fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        within(self.0.read_exact(&mut head)).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).expect("it is short")];
        within(self.0.read_exact(&mut payload)).await.ok()?;
        Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// The first frame of this kind on this stream.
    async fn until(&mut self, kind: u8, stream: u32) -> Frame {
        loop {
            let frame = self.frame().await.expect("the connection goes on");
            if (frame.0, frame.2) == (kind, stream) {
                return frame;
            }
        }
    }

    /// Waits until the server gives the connection up, having said why or not.
    async fn ends(mut self) {
        while self.frame().await.is_some_and(|(kind, ..)| kind != GOAWAY) {}
    }
}

/// A function that never ends by itself, and how many of its calls run.
fn endless() -> (Function, watch::Receiver<usize>, Arc<AtomicUsize>) {
    struct Running(watch::Sender<usize>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.send_modify(|running| *running -= 1);
        }
    }
    let (sender, receiver) = watch::channel(0);
    let most = Arc::new(AtomicUsize::new(0));
    let seen = most.clone();
    let f = function("endless", move |exchange| {
        sender.send_modify(|running| {
            *running += 1;
            seen.fetch_max(*running, Ordering::Relaxed);
        });
        let running = Running(sender.clone());
        async move {
            let _running = running;
            // Whoever takes a response gets one without end.
            while exchange.reply().clone().write_all(vec![b'x'; 100_000]).await.is_ok() {}
            Ok(Value::Nil)
        }
    });
    (f, receiver, most)
}

async fn goes_on(site: &Site) {
    assert_eq!(site.get("/b").await, (200, "\"hello\"".to_owned()), "others are answered");
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_take_no_more_than_their_share() {
    let (f, mut running, most) = endless();
    let site = Site::plain(&["GET /a endless", "GET /b hello"], [f, says("hello")]).await;
    let mut client = Client::new(&site, 1_000).await;
    let mut stream = 1;
    for _ in 0..100 {
        let mut burst = Vec::new();
        for _ in 0..100 {
            burst.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, GET_A));
            burst.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
            stream += 2;
        }
        if !client.send(&burst).await {
            break;
        }
    }
    goes_on(&site).await;
    drop(client);
    within(running.wait_for(|running| *running == 0)).await.expect("all calls end");
    assert!(most.load(Ordering::Relaxed) <= 128, "{most:?}");
}

#[tokio::test]
async fn more_requests_than_may_be_under_way_are_refused() {
    let (f, mut running, most) = endless();
    let site = Site::plain(&["GET /a endless", "GET /b hello"], [f, says("hello")]).await;
    let mut client = Client::new(&site, 0).await;
    for number in 0..300 {
        client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, GET_A)).await;
    }
    goes_on(&site).await;
    drop(client);
    within(running.wait_for(|running| *running == 0)).await.expect("all calls end");
    assert!(most.load(Ordering::Relaxed) <= 128, "{most:?}");
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let site = Site::plain(&["GET /b hello"], [says("hello")]).await;
    // A header of 16,000 bytes that nobody asked for; headers of nothing at all; each frame promises another.
    let padding = [&b"\x00\x01x\x7f\x81\x7c"[..], &[b'y'; 16_000]].concat();
    for piece in [&padding[..], &b""[..], &b"\x82"[..]] {
        let mut client = Client::new(&site, 65_535).await;
        client.send(&frame(HEADERS, END_STREAM, 1, GET_B)).await;
        let continuation = frame(CONTINUATION, 0, 1, piece);
        let burst = continuation.repeat(1 + 100_000 / continuation.len());
        let sent = async {
            for _ in 0..1_000 {
                if !client.send(&burst).await {
                    return;
                }
            }
            panic!("a hundred megabytes of headers were taken");
        };
        within(sent).await;
        goes_on(&site).await;
    }
}

#[tokio::test]
async fn headers_that_are_large_once_unpacked_are_refused() {
    let site = Site::plain(&["GET /b hello"], [says("hello")]).await;
    let mut client = Client::new(&site, 65_535).await;
    // A header of 3,000 bytes that goes into the table, and two thousand times that one: 6 MB in 5 KB.
    let mut headers = [GET_B, b"\x40\x01x\x7f\xb9\x16", &[b'y'; 3_000]].concat();
    headers.extend([0xbe; 2_000]);
    client.ask(1, &headers).await;
    let mut is_refused = false;
    while let Some((kind, _, stream, payload)) = client.frame().await {
        // 431 as HPACK writes it, or the stream or the connection is given up.
        if (kind, stream) == (HEADERS, 1) {
            assert!(payload.windows(3).any(|text| text == b"431") || payload.len() < 8, "{payload:?}");
        }
        if matches!((kind, stream), (HEADERS, 1) | (RST_STREAM, 1) | (GOAWAY, 0)) {
            is_refused = true;
            break;
        }
    }
    assert!(is_refused);
    goes_on(&site).await;
}

#[tokio::test]
async fn frames_that_need_answers_nobody_takes_do_not_pile_up() {
    let site = Site::plain(&["GET /b hello"], [says("hello")]).await;
    for kind in [PING, SETTINGS] {
        let mut client = Client::new(&site, 65_535).await;
        let payload: &[u8] = if kind == PING { &[7; 8] } else { &[0, 4, 0, 0, 255, 255] };
        let burst = frame(kind, 0, 0, payload).repeat(1_000);
        // Nothing is read. The server stops taking more, ends the connection, or answers so little that it does not matter.
        for _ in 0..500 {
            let sent =
                tokio::time::timeout(std::time::Duration::from_millis(200), client.0.write_all(&burst));
            if !matches!(sent.await, Ok(Ok(()))) {
                break;
            }
        }
        goes_on(&site).await;
    }
}

#[tokio::test]
async fn frames_that_are_none_end_the_connection() {
    let site = Site::plain(&["GET /b hello"], [says("hello")]).await;
    for bytes in [
        // Larger than a frame may be.
        frame(HEADERS, END_HEADERS, 1, &[0; 20_000]),
        // A stream of the server's own, stream 0, and one that was never begun.
        frame(HEADERS, END_HEADERS | END_STREAM, 2, GET_B),
        frame(HEADERS, END_HEADERS | END_STREAM, 0, GET_B),
        frame(CONTINUATION, END_HEADERS, 1, GET_B),
        frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes()),
        // A window beyond all bounds, and one of nothing.
        frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes()),
        frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
        frame(SETTINGS, 0, 0, &[0; 5]),
        frame(PING, 0, 0, &[0; 7]),
        // An index that no table has.
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\x0f"),
    ] {
        let mut client = Client::new(&site, 65_535).await;
        client.send(&bytes).await;
        within(client.ends()).await;
        goes_on(&site).await;
    }
}

#[tokio::test]
async fn a_stream_whose_client_takes_nothing_is_reset_and_the_others_go_on() {
    let (f, mut running, _) = endless();
    let server = "timeouts: {write: 300ms}";
    let site = Site::new(server, "", &["GET /a endless", "GET /b hello"], [f, says("hello")]).await;
    // Windows are shut: nothing of a body can be sent.
    let mut client = Client::new(&site, 0).await;
    client.ask(1, GET_A).await;
    client.ask(3, GET_B).await;
    let reset = client.until(RST_STREAM, 1).await;
    assert_eq!(reset.3.len(), 4);
    within(running.wait_for(|running| *running == 0)).await.expect("the call ends");
    // Also one whose body is whole has its time.
    client.until(RST_STREAM, 3).await;
    // The connection goes on, and whoever opens the window is answered.
    client.ask(5, GET_B).await;
    client.send(&frame(WINDOW_UPDATE, 0, 5, &1_000_u32.to_be_bytes())).await;
    let (.., body) = client.until(0, 5).await;
    assert_eq!(body, b"\"hello\"");
}

#[tokio::test]
async fn a_client_that_takes_slowly_is_served() {
    let server = "timeouts: {write: 500ms}";
    let f = function("slow", |exchange| async move {
        exchange.reply().clone().write_all(vec![b'x'; 200_000]).await?;
        Ok(Value::Nil)
    });
    let site = Site::new(server, "", &["GET /a slow"], [f]).await;
    let mut client = Client::new(&site, 1_000).await;
    client.ask(1, GET_A).await;
    let mut taken = 0;
    while taken < 200_000 {
        let (.., body) = client.until(0, 1).await;
        taken += body.len();
        let more = u32::try_from(body.len().max(1)).expect("it is short").to_be_bytes();
        client.send(&[frame(WINDOW_UPDATE, 0, 0, &more), frame(WINDOW_UPDATE, 0, 1, &more)].concat()).await;
    }
    assert_eq!(taken, 200_000);
}
