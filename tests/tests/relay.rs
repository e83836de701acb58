//! `websocket_relay` and `sse_relay`: clients of a server that talk to processes.

use futures_util::{SinkExt, StreamExt};
use perilune::{HttpService, ProcessKind, Value};
use perilune_tests::web::{Answer, Wire};
use perilune_tests::{App, PATIENCE};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Says what it hears, greets who joins, and sends back what it is told.
const ROOM: &str = r#"
return function(name)
    print(name .. " is " .. process.pid())
    local inbox = process.inbox()
    while true do
        local message = inbox:receive()
        local topic, from = message:topic(), message:from()
        local data = message:payload():data()
        local told = type(data) == "table" and data.client_pid == from and (data.metadata.name or "nobody") or tostring(data)
        print(name .. ": " .. topic .. " " .. told)
        if topic == "ws.join" or topic == "sse.join" then
            process.send(from, "hello", { from = name })
        elseif data == "quit" then
            return
        elseif data == "close" then
            process.send(from, "ws.close", "enough")
        elseif data == "two" then
            process.send(from, "pair", 1, "b")
        elseif topic == "chat" and data:find("^{") then
            process.send(from, "ws.control", { target_pid = data, metadata = { name = "moved" } })
        elseif topic == "chat" then
            process.send(from, "echo", data)
        end
    end
end
"#;

/// Asks for a relay with what the query says; `plain` asks for none, `status` answers so.
const HANDLER: &str = r#"
local http, json = require("http"), require("json")
return function()
    local req, res = http.request(), http.response()
    print("asked")
    local terms = { target_pid = req:query("pid"), message_topic = req:query("topic"), heartbeat_interval = req:query("beat") }
    if req:query("name") then terms.metadata = { name = req:query("name") } end
    if req:query("hard") then terms.hard_timeout = req:query("hard") end
    if not req:query("plain") then
        res:set_header(req:path() == "/ws" and "X-WS-Relay" or "X-SSE-Relay", req:query("raw") or json.encode(terms))
    end
    res:set_header("Set-Cookie", "seen=1")
    if req:query("status") then res:set_status(tonumber(req:query("status"))) end
    res:write("answered")
end
"#;

/// Sends a message to a pid.
const SENDER: &str = "return function(pid, topic, ...) return process.send(pid, topic, ...) end";

pub(crate) struct House {
    pub(crate) app: App,
    pub(crate) address: SocketAddr,
    rooms: Vec<JoinHandle<Result<Value, perilune::Failure>>>,
}

pub(crate) type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl House {
    /// A server at `/ws` and `/events` with these options of its router's `post_options`.
    pub(crate) async fn new(options: &str) -> House {
        House::with(options, "").await
    }

    /// [`House::new`] with a further entry.
    pub(crate) async fn with(options: &str, entry: &str) -> House {
        let yaml = format!(
            "version: '1.0'
namespace: app
entries:
  - {{name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {{auto_start: true}}}}
  - name: api
    kind: http.router
    meta: {{server: web}}
    post_middleware: [websocket_relay, sse_relay]
    post_options: {{{options}}}
  - {{name: ws, kind: http.endpoint, meta: {{router: api}}, method: GET, path: /ws, func: handler}}
  - {{name: events, kind: http.endpoint, meta: {{router: api}}, method: GET, path: /events, func: handler}}
  - {{name: handler, kind: function.lua, source: 'file://handler.lua', method: main, modules: [http, json]}}
  - {{name: sender, kind: function.lua, source: 'file://sender.lua', method: main}}
  - {{name: room, kind: process.lua, source: 'file://room.lua'}}
{entry}
"
        );
        let files = [
            ("app.yaml", yaml.as_str()),
            ("handler.lua", HANDLER),
            ("sender.lua", SENDER),
            ("room.lua", ROOM),
        ];
        let app = App::new(&files);
        app.runtime.start().await.expect("the services start");
        let service = app.runtime.resource::<HttpService>("app:web").expect("the server");
        let address = service.local_addr().expect("a server that runs has an address");
        House { app, address, rooms: Vec::new() }
    }

    /// Runs a process, and gives its pid as it stands in a query.
    pub(crate) async fn room(&mut self, name: &str) -> String {
        self.rooms.push(self.app.spawn("app:room", &[name.into()]));
        let line = self.heard(&format!("{name} is ")).await;
        line.replace('{', "%7B").replace('}', "%7D").replace('|', "%7C")
    }

    /// Waits until a line is printed that begins so, and gives its rest.
    pub(crate) async fn heard(&self, begin: &str) -> String {
        let waited = async {
            loop {
                let found = self
                    .app
                    .printed()
                    .into_iter()
                    .find_map(|line| line.strip_prefix(begin).map(str::to_owned));
                if let Some(rest) = found {
                    return rest;
                }
                tokio::task::yield_now().await;
            }
        };
        let heard = tokio::time::timeout(PATIENCE, waited).await;
        heard.unwrap_or_else(|_| panic!("`{begin}` is printed: {:#?}", self.app.printed()))
    }

    /// A client of a WebSocket with this query.
    pub(crate) async fn client(&self, query: &str) -> Client {
        self.try_client(query, None).await.expect("it connects").0
    }

    async fn try_client(
        &self,
        query: &str,
        origin: Option<&str>,
    ) -> Result<(Client, tokio_tungstenite::tungstenite::handshake::client::Response), Error> {
        let mut request = format!("ws://{}/ws?{query}", self.address).into_client_request()?;
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().expect("a value"));
        }
        connect_async(request).await
    }

    /// The status that a client was refused with.
    async fn refused(&self, query: &str, origin: Option<&str>) -> u16 {
        match self.try_client(query, origin).await {
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("an answer: {other}"),
            Ok((_, response)) => response.status().as_u16(),
        }
    }

    /// The begin of a stream of events.
    async fn events(&self, query: &str) -> (Wire, Answer) {
        let mut wire = Wire::connect(self.address).await;
        wire.send(format!("GET /events?{query} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address)).await;
        let head = wire.head().await;
        (wire, head)
    }
}

/// What a client is told next.
pub(crate) async fn told(client: &mut Client) -> String {
    loop {
        match tokio::time::timeout(PATIENCE, client.next()).await.expect("it comes in time") {
            Some(Ok(Message::Text(text))) => return text.to_string(),
            Some(Ok(Message::Close(Some(frame)))) => {
                return format!("closed: {} {}", frame.code, frame.reason);
            }
            Some(Ok(_)) => {}
            other => panic!("a message: {other:?}"),
        }
    }
}

async fn event(wire: &mut Wire) -> String {
    String::from_utf8(wire.chunk().await.unwrap_or_default()).expect("text")
}

/// It has a pid as processes have, and whoever operates the host cannot end it by that.
#[tokio::test]
async fn a_client_is_no_process_to_operators() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let (_client, _) =
        house.try_client(&format!("pid={room}&topic=chat&name=ann"), None).await.expect("it connects");
    house.heard("hall: ws.join ann").await;
    let processes = house.app.runtime.processes();
    let client = processes.iter().find(|process| process.kind == ProcessKind::Client).expect("it is seen");
    let failure = house.app.runtime.terminate(&client.pid).expect_err("it is no process");
    assert_eq!(failure.message, format!("{} is a client of the host, not a process", client.pid));
}

#[tokio::test]
async fn a_client_talks_to_the_process_that_its_handler_named() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let (mut client, response) =
        house.try_client(&format!("pid={room}&topic=chat&name=ann"), None).await.expect("it connects");
    assert_eq!(response.headers().get("set-cookie").map(|value| value.as_bytes()), Some(&b"seen=1"[..]));
    assert!(!response.headers().contains_key("x-ws-relay"));
    house.heard("hall: ws.join ann").await;
    assert_eq!(told(&mut client).await, r#"{"topic":"hello","data":{"from":"hall"}}"#);
    for (message, answer) in [
        (Message::text("hi \"there\""), r#"{"topic":"echo","data":"hi \"there\""}"#),
        (Message::binary(&b"bytes"[..]), r#"{"topic":"echo","data":"bytes"}"#),
        // Bytes that are no text become base64.
        (Message::binary(&b"\0\xff"[..]), r#"{"topic":"echo","data":"AP8="}"#),
        (Message::text("two"), r#"{"topic":"pair","data":[1,"b"]}"#),
    ] {
        client.send(message).await.expect("it is sent");
        assert_eq!(told(&mut client).await, answer);
    }
}

#[tokio::test]
async fn a_process_hears_that_a_client_has_left() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let mut polite = house.client(&format!("pid={room}&name=ann")).await;
    polite.close(None).await.expect("it is sent");
    house.heard("hall: ws.leave ann").await;
    drop(house.client(&format!("pid={room}&name=bob")).await);
    house.heard("hall: ws.leave bob").await;
}

#[tokio::test]
async fn a_process_ends_the_connection() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let mut client = house.client(&format!("pid={room}&topic=chat")).await;
    told(&mut client).await;
    client.send(Message::text("close")).await.expect("it is sent");
    assert_eq!(told(&mut client).await, "closed: 1000 enough");
    house.heard("hall: ws.leave nobody").await;
}

#[tokio::test]
async fn the_end_of_the_process_ends_the_connection() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let (mut one, mut other) =
        (house.client(&format!("pid={room}&topic=chat")).await, house.client(&format!("pid={room}")).await);
    told(&mut one).await;
    told(&mut other).await;
    one.send(Message::text("quit")).await.expect("it is sent");
    for client in [&mut one, &mut other] {
        assert_eq!(told(client).await, "closed: 1000 the process has ended");
    }
    assert_eq!(house.refused(&format!("pid={room}"), None).await, 503);
}

#[tokio::test]
async fn a_client_is_handed_on_to_another_process() {
    let mut house = House::new("").await;
    let (hall, attic) = (house.room("hall").await, house.room("attic").await);
    let mut client = house.client(&format!("pid={hall}&topic=chat&name=ann")).await;
    told(&mut client).await;
    let pid = attic.replace("%7B", "{").replace("%7D", "}").replace("%7C", "|");
    client.send(Message::text(pid)).await.expect("it is sent");
    house.heard("attic: ws.join moved").await;
    house.heard("hall: ws.leave ann").await;
    assert_eq!(told(&mut client).await, r#"{"topic":"hello","data":{"from":"attic"}}"#);
    client.send(Message::text("hi")).await.expect("it is sent");
    assert_eq!(told(&mut client).await, r#"{"topic":"echo","data":"hi"}"#);
}

#[tokio::test]
async fn a_process_hears_regularly_that_a_client_is_there() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let mut client = house.client(&format!("pid={room}&beat=100ms&name=ann")).await;
    told(&mut client).await;
    house.heard("hall: ws.heartbeat ann").await;
}

#[tokio::test]
async fn only_pages_of_the_server_itself_connect_unless_others_are_named() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let own = format!("http://{}", house.address);
    for (origin, status) in [
        (None, 101),
        (Some(own.as_str()), 101),
        (Some("https://evil.example"), 403),
        (Some("null"), 403),
        (Some("http://127.0.0.1"), 403),
    ] {
        assert_eq!(house.refused(&format!("pid={room}"), origin).await, status, "{origin:?}");
    }
    let asked = house.app.printed().iter().filter(|line| *line == "asked").count();
    assert_eq!(asked, 2, "a page that may not connect does not reach the handler");

    let mut house = House::new(
        "wsrelay.allowed.origins: 'https://a.example, *.b.example', sserelay.allowed.origins: '*'",
    )
    .await;
    let room = house.room("hall").await;
    for (origin, status) in [
        ("https://a.example", 101),
        ("https://x.b.example", 101),
        ("https://b.example", 403),
        ("https://evil.example", 403),
    ] {
        assert_eq!(house.refused(&format!("pid={room}"), Some(origin)).await, status, "{origin}");
    }
}

#[tokio::test]
async fn what_is_no_relay_is_no_connection() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    for (query, status) in [
        ("plain=1", 200),
        ("topic=chat", 500),
        ("pid=nobody", 503),
        ("pid=%7Bprocesses%7Cfffff%7D", 503),
        ("raw=nonsense", 500),
        ("raw=%5B1%5D", 500),
        ("raw=%7B%22target_pid%22:5%7D", 500),
        ("raw=%7B%22colour%22:1%7D", 500),
        (&format!("pid={room}&beat=soon"), 500),
        (&format!("pid={room}&beat=1ms"), 500),
        (&format!("pid={room}&hard=999999999h"), 500),
        (&format!("pid={room}&topic=@pid/events"), 500),
        (&format!("pid={room}&status=403"), 403),
    ] {
        assert_eq!(house.refused(query, None).await, status, "{query}");
    }
    // Whoever does not ask for a WebSocket gets none, and does not learn the pid.
    let mut wire = Wire::connect(house.address).await;
    wire.send(format!("GET /ws?pid={room} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
    let answer = wire.answer().await;
    assert_eq!(
        (answer.status, answer.header("upgrade"), answer.header("x-ws-relay")),
        (426, "websocket", "")
    );
}

#[tokio::test]
async fn a_client_talks_to_no_process_that_its_handler_could_not() {
    let policy =
        "  - {name: p, kind: security.policy, policy: {actions: other, resources: '*', effect: allow}}";
    let mut house = House::with("", policy).await;
    let room = house.room("hall").await;
    assert_eq!(house.refused(&format!("pid={room}"), None).await, 403);
    assert!(!house.app.printed().iter().any(|line| line.contains("ws.join")));
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_connection() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let mut client = house.client(&format!("pid={room}&name=ann")).await;
    told(&mut client).await;
    // The server may be gone before all of it is sent.
    drop(client.send(Message::text("x".repeat(2 << 20))).await);
    house.heard("hall: ws.leave ann").await;
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let mut client = house.client(&format!("pid={room}&name=ann")).await;
    told(&mut client).await;
    let stopped = tokio::join!(house.app.runtime.stop(), told(&mut client));
    assert_eq!(stopped.1, "closed: 1001 the server stops");
    house.heard("hall: ws.leave ann").await;
}

#[tokio::test]
async fn events_come_from_whoever_knows_the_pid() {
    let house = House::new("").await;
    let (mut wire, head) = house.events("topic=news").await;
    assert_eq!(
        (head.status, head.header("content-type"), head.header("x-sse-relay")),
        (200, "text/event-stream", "")
    );
    let ready = event(&mut wire).await;
    let data = ready.strip_prefix("event: ready\ndata: ").expect("it says whom to send to").trim_end();
    let ready: serde_json::Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(ready["message_topic"], "news");
    let pid = ready["stream_pid"].as_str().expect("a pid");
    let send = async |topic: &str, payload: Value| {
        house
            .app
            .call("app:sender", &[pid.into(), topic.into(), payload])
            .await
            .map_err(|failure| failure.kind)
    };
    assert_eq!(send("news", "line one\nline two".into()).await, Ok(true.into()));
    assert_eq!(event(&mut wire).await, "event: news\ndata: \"line one\\nline two\"\n\n");
    // A topic cannot write events of its own.
    assert_eq!(send("a\ndata: evil\n\nevent: b", Value::Integer(1)).await, Ok(true.into()));
    assert_eq!(event(&mut wire).await, "event: a data: evil  event: b\ndata: 1\n\n");
    assert_eq!(send("sse.close", "enough".into()).await, Ok(true.into()));
    assert_eq!(event(&mut wire).await, "event: close\ndata: \"enough\"\n\n");
    assert_eq!(event(&mut wire).await, "");
    assert_eq!(send("news", Value::Nil).await, Err(perilune::Kind::NotFound));
}

#[tokio::test]
async fn a_process_hears_who_listens_to_it() {
    let mut house = House::new("").await;
    let room = house.room("hall").await;
    let (mut wire, _) = house.events(&format!("pid={room}&name=ann&beat=100ms")).await;
    assert_eq!(event(&mut wire).await, "event: hello\ndata: {\"from\":\"hall\"}\n\n");
    house.heard("hall: sse.join ann").await;
    house.heard("hall: sse.heartbeat ann").await;
    assert_eq!(event(&mut wire).await, ": still here\n\n");
    drop(wire);
    house.heard("hall: sse.leave ann").await;
}

#[tokio::test]
async fn a_listener_stays_no_longer_than_it_may() {
    let house = House::new("").await;
    let (mut wire, _) = house.events("hard=100ms").await;
    event(&mut wire).await;
    assert_eq!(event(&mut wire).await, "event: close\ndata: \"the time is up\"\n\n");
    assert_eq!(event(&mut wire).await, "");
}
