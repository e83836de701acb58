//! Module `websocket`, against servers on this machine.

use crate::servers::{closed_port, serve, serve_bytes, serve_tls, serve_websocket, text};
use futures_util::{SinkExt, StreamExt};
use perilune::{Actor, Allowed, Authority, Call, Failure, Kind, Limits, Policy, Scope, Value};
use perilune_security::{Decision, Question, Rule};
use perilune_tests::{App, PATIENCE, TIGHT, limit};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// An application whose function `app:main(url)` has `websocket`, on a host that allows these hosts.
fn app(allowed: &[&str], body: &str) -> App {
    app_with(allowed, body, Limits::DEFAULT)
}

fn app_with(allowed: &[&str], body: &str, limits: Limits) -> App {
    let source = format!(
        "local websocket, time = require('websocket'), require('time')\nreturn function(url, more)\n{body}\nend\n"
    );
    let network = allowed.iter().map(|&item| item.to_owned()).collect();
    App::entries_with(&[("main", "function", "modules: [websocket, time]", &source)], |builder| {
        builder.allow(Allowed { network, ..Allowed::default() }).limits(limits)
    })
}

async fn check(body: &str, url: &str) -> Value {
    match app(&["127.0.0.1"], body).call("app:main", &[url.into()]).await {
        Ok(value) => value,
        Err(failure) => panic!("app:main succeeds: {failure:#?}"),
    }
}

async fn refusal(app: &App, url: &str) -> Failure {
    app.call("app:main", &[url.into()]).await.expect_err("no connection is made")
}

const CONNECT: &str = "return websocket.connect(url)";

fn url(port: u16) -> String {
    format!("ws://127.0.0.1:{port}/chat")
}

/// A server that sends back what it gets.
async fn echo() -> String {
    let port = serve_websocket(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    })
    .await;
    url(port)
}

/// Declares tests of Lua that checks itself; `url` is that of [`echo`], which is all that the host allows.
macro_rules! echo_tests {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            check($body, &echo().await).await;
        })*
    };
}

echo_tests! {
    messages_go_and_come_as_text_and_bytes r#"
        local client = assert(websocket.connect(url))
        assert(client:send("héllo") == true and client:send("\0\xff", websocket.BINARY) == true)
        local inbox = client:channel()
        local first, second = inbox:receive(), inbox:receive()
        assert(first.type == websocket.TYPE_TEXT and first.data == "héllo")
        assert(second.type == "binary" and second.data == "\0\xff")
        assert(client:channel() == inbox and client:receive() == inbox)
        assert(client:close() == true and client:close() == true)
    "#

    an_empty_message_is_a_message r#"
        local client = assert(websocket.connect(url))
        assert(client:send("") and client:channel():receive().data == "")
    "#

    closing_closes_the_channel r#"
        local client = assert(websocket.connect(url))
        client:send("last")
        local inbox = client:channel()
        assert(inbox:receive().data == "last")
        assert(client:close(websocket.CLOSE_CODES.GOING_AWAY, "done"))
        local message, ok = inbox:receive()
        assert(message == nil and ok == false and client:error() == nil)
        local sent, err = client:send("more")
        assert(sent == nil and err:kind() == errors.INVALID and err:message():find("closed"))
        assert(select(2, client:ping()):kind() == errors.INVALID)
    "#

    what_cannot_be_sent_is_invalid r#"
        local client = assert(websocket.connect(url))
        for _, case in ipairs({ { "\xff" }, { "x", 3 }, { "x", "text" } }) do
            local sent, err = client:send(case[1], case[2])
            assert(sent == nil and err:kind() == errors.INVALID, tostring(err))
        end
        assert(not pcall(client.send, client) and not pcall(client.send, client, {}) and not pcall(client.send, {}, "x"))
        for _, case in ipairs({ { 999 }, { 5000 }, { 1.5 }, { "x" }, { 1005 }, { 1006 }, { 1015 }, { 1000, ("x"):rep(124) } }) do
            local closed, err = client:close(case[1], case[2])
            assert(closed == nil and err:kind() == errors.INVALID, tostring(err))
        end
        assert(client:send("still open") and client:channel():receive().data == "still open")
    "#

    what_is_no_connection_is_invalid r#"
        for _, case in ipairs({
            { "nowhere" }, { "http://127.0.0.1" }, { "ftp://127.0.0.1" }, { "ws://" }, { "ws://ann:secret@127.0.0.1/" },
            { url, { colour = 1 } }, { url, { headers = { ["Sec-WebSocket-Key"] = "x" } } }, { url, { headers = { host = "x" } } },
            { url, { headers = { a = "x\ny" } } }, { url, { protocols = "chat" } }, { url, { protocols = { "a b" } } },
            { url, { dial_timeout = -1 } }, { url, { read_timeout = "soon" } }, { url, { read_limit = 1 << 40 } },
            { url, { channel_capacity = 0 } }, { url, { channel_capacity = 10001 } }, { url, { channel_capacity = "x" } },
            { url, { compression = 3 } }, { url, { compression = "best" } }, { url, { compression_threshold = -1 } },
        }) do
            local client, err = websocket.connect(case[1], case[2])
            assert(client == nil and err:kind() == errors.INVALID, tostring(case[1]) .. " " .. tostring(err))
        end
        assert(not pcall(websocket.connect) and not pcall(websocket.connect, url, "x"))
    "#

    options_within_their_ranges_are_taken r#"
        local client = assert(websocket.connect(url, {
            dial_timeout = "5s", read_timeout = 5000, write_timeout = 0, compression = websocket.COMPRESSION.CONTEXT_TAKEOVER,
            compression_threshold = 1024, read_limit = 2048, channel_capacity = 1,
        }))
        client:send(("x"):rep(2048))
        assert(#client:channel():receive().data == 2048)
        assert(websocket.connect(url, { compression = "no_context_takeover", protocols = {} }))
    "#

    constants_are_those_of_the_protocol r#"
        assert(websocket.TEXT == 1 and websocket.BINARY == 2 and websocket.TYPE_PONG == "pong" and websocket.TYPE_CLOSE == "close")
        assert(websocket.CLOSE_CODES.NORMAL == 1000 and websocket.CLOSE_CODES.TLS_HANDSHAKE == 1015)
        assert(websocket.COMPRESSION.DISABLED == 0 and not pcall(function() websocket.TEXT = 5 end))
    "#

    a_message_that_is_too_large_ends_the_connection r#"
        local client = assert(websocket.connect(url, { read_limit = 1000 }))
        client:send(("x"):rep(1001))
        local message, ok = client:channel():receive()
        assert(message == nil and ok == false)
        assert(client:error():kind() == errors.INTERNAL)
        assert(client:error():message() == "websocket: cannot receive: Message too long: 1001 > 1000; see `read_limit`", tostring(client:error()))
    "#

    a_server_that_says_nothing_is_given_up_when_asked r#"
        local client = assert(websocket.connect(url, { read_timeout = 30 }))
        local message, ok = client:channel():receive()
        assert(message == nil and ok == false and client:error():retryable() == true, tostring(client:error()))
    "#

    many_connections_timers_and_channels_are_selected_from r#"
        local inboxes, timer = {}, time.after("1ms")
        local cases = { timer:case_receive() }
        for i = 1, 4 do
            local client = assert(websocket.connect(url))
            coroutine.spawn(function() client:send("from " .. i) end)
            inboxes[client:channel()] = i
            cases[#cases + 1] = client:channel():case_receive()
        end
        local got, timers = 0, 0
        while got < 4 or timers < 1 do
            local case = channel.select(cases)
            local i = inboxes[case.channel]
            if i then
                assert(case.value.data == "from " .. i)
                got = got + 1
            else
                -- A timer's channel is closed once it has fired.
                timers = timers + 1
                table.remove(cases, 1)
            end
        end
    "#

    a_closed_channel_of_the_user_harms_nobody r#"
        local client = assert(websocket.connect(url))
        client:channel():close()
        assert(client:send("x") and client:send("y"))
        local other = assert(websocket.connect(url))
        assert(other:send("z") and other:channel():receive().data == "z")
        assert(client:close())
    "#
}

#[tokio::test]
async fn headers_and_protocols_reach_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let (sender, mut asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        #[expect(clippy::result_large_err, reason = "the crate that calls this decides on the type")]
        let look = |request: &Request, mut response: Response| {
            let header = |name| {
                request
                    .headers()
                    .get(name)
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
            let seen = (
                request.uri().to_string(),
                header("authorization"),
                header("sec-websocket-protocol"),
                header("host"),
            );
            sender.send(seen).expect("the test waits");
            response.headers_mut().insert("sec-websocket-protocol", "chat.v2".parse().expect("a value"));
            Ok(response)
        };
        let _ = tokio_tungstenite::accept_hdr_async(stream, look).await;
    });
    let body = "assert(websocket.connect(url, { headers = { Authorization = 'Bearer x' }, protocols = { 'chat.v1', 'chat.v2' } }))";
    check(body, &format!("ws://127.0.0.1:{port}/chat?room=1#part")).await;
    let expected = (
        "/chat?room=1".to_owned(),
        Some("Bearer x".to_owned()),
        Some("chat.v1, chat.v2".to_owned()),
        Some(format!("127.0.0.1:{port}")),
    );
    assert_eq!(asked.recv().await, Some(expected));
}

#[tokio::test]
async fn only_hosts_that_are_allowed_are_connected_to() {
    let echo = echo().await;
    let failure = refusal(&app(&[], CONNECT), &echo).await;
    assert_eq!(failure.kind, Kind::PermissionDenied);
    assert!(failure.message.contains("start it with `--allow-net 127.0.0.1:"), "{failure}");
    let localhost = echo.replace("127.0.0.1", "localhost");
    for url in [&echo, &localhost, &echo.replace("127.0.0.1", "[::ffff:127.0.0.1]")] {
        assert_eq!(refusal(&app(&["*"], CONNECT), url).await.kind, Kind::PermissionDenied, "{url}");
    }
    check("assert(websocket.connect(url))", &echo).await;
}

/// Allows connections to URLs that end so.
struct Only(&'static str);

impl Rule for Only {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        let is_allowed = match question.action {
            "websocket.connect" => question.resource.is_empty(),
            "websocket.connect.url" => question.resource.ends_with(self.0),
            _ => false,
        };
        if is_allowed { Decision::Allow } else { Decision::Undefined }
    }
}

#[tokio::test]
async fn policies_say_who_connects_where() {
    let echo = echo().await;
    let app = app(&["127.0.0.1"], "local client, err = websocket.connect(url) return client ~= nil, err");
    for (ending, expected) in [("/chat", Ok(Value::Bool(true))), ("/other", Err(Kind::PermissionDenied))] {
        let scope = Scope::new([Policy::new("app:policy", Only(ending))]);
        let authority = Authority { actor: Some(Arc::new(Actor::new("user:1"))), scope: Some(scope) };
        let call = Call::new("app:main").arg(echo.as_str()).authority(authority);
        assert_eq!(app.runtime.call_with(call).await.map_err(|failure| failure.kind), expected, "{ending}");
    }
}

#[tokio::test]
async fn what_answers_otherwise_is_no_websocket() {
    let redirecting = serve_bytes(b"HTTP/1.1 302 Found\r\nlocation: ws://127.0.0.1/\r\n\r\n".to_vec()).await;
    let nonsense = serve_bytes(b"SSH-2.0\r\n\r\n".to_vec()).await;
    let silent = serve_bytes(Vec::new()).await;
    let wrong_key = serve_bytes(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n".to_vec(),
    )
    .await;
    let endless = serve_bytes(format!("HTTP/1.1 101 Yes\r\nx: {}", "x".repeat(4 << 20)).into_bytes()).await;
    let plain = serve(|_| async { text(200, "hello") }).await;
    let app = app(&["127.0.0.1"], CONNECT);
    for port in [closed_port().await, redirecting, nonsense, silent, wrong_key, endless, plain.port] {
        let failure = refusal(&app, &url(port)).await;
        assert_eq!((&failure.kind, failure.retryable), (&Kind::Internal, Some(true)), "{failure}");
    }
    assert!(refusal(&app, &url(redirecting)).await.message.contains("answered 302 Found"));
}

#[tokio::test]
async fn a_server_that_goes_without_a_goodbye_is_told() {
    let port = serve_websocket(|socket| async move { drop(socket) }).await;
    let body = "local client = assert(websocket.connect(url))
        client:channel():receive()
        return client:error():message()";
    let message =
        "websocket: cannot receive: WebSocket protocol error: Connection reset without closing handshake";
    assert_eq!(check(body, &url(port)).await, Value::from(message));
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_given_up() {
    let port = serve_websocket(|socket| async move {
        let _socket = socket;
        std::future::pending().await
    })
    .await;
    let body = "local client = assert(websocket.connect(url, { write_timeout = 50 }))
        for _ = 1, 1000 do
            local ok, problem = client:send(('x'):rep(1 << 20))
            if problem then return problem:message() end
        end";
    let message = "websocket: the server did not take the message within 50ms";
    assert_eq!(check(body, &url(port)).await, Value::from(message));
}

#[tokio::test]
async fn a_server_must_show_who_it_is() {
    let server = serve_tls(false, |_| async { text(200, "") }).await;
    let failure = refusal(&app(&["localhost"], CONNECT), &format!("wss://localhost:{}/", server.port)).await;
    assert_eq!(failure.kind, Kind::Internal);
    assert!(failure.message.contains("no TLS with `localhost:"), "{failure}");
    assert!(failure.message.contains("certificate"), "{failure}");
}

#[tokio::test]
async fn a_server_that_does_not_shake_hands_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let failure =
        refusal(&app(&["127.0.0.1"], "return websocket.connect(url, { dial_timeout = 50 })"), &url(port))
            .await;
    assert_eq!((&failure.kind, failure.retryable), (&Kind::Internal, Some(true)));
    assert!(failure.message.contains("no WebSocket within 50ms"), "{failure}");
}

/// A server that sends numbered messages of `size` bytes as fast as it may, until `most`, and shows how many it got rid of.
async fn flood(most: usize, size: usize) -> (String, watch::Receiver<usize>) {
    let (sent, seen) = watch::channel(0);
    let port = serve_websocket(move |mut socket| {
        let sent = sent.clone();
        async move {
            for number in 1..=most {
                let mut text = format!("{number} ");
                text.extend(std::iter::repeat_n('x', size));
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
                sent.send_replace(number);
            }
            let _ = socket.close(None).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
    })
    .await;
    (url(port), seen)
}

#[tokio::test]
async fn a_slow_reader_loses_nothing_and_makes_the_server_wait() {
    const MOST: usize = 500;
    // 50 MB in all, in a cell of 16 MiB.
    let (url, sent) = flood(MOST, 100_000).await;
    let body = "
        local client = assert(websocket.connect(url))
        local inbox, count = client:channel(), 0
        while true do
            local message, ok = inbox:receive()
            if not ok then break end
            count = count + 1
            assert(tonumber(message.data:match('^%d+')) == count, 'in order')
        end
        return count
    ";
    let app = app_with(&["127.0.0.1"], body, Limits { timeout: Some(PATIENCE), ..TIGHT });
    let value = app.call("app:main", &[url.into()]).await;
    assert_eq!(value, Ok(Value::Integer(MOST as i64)));
    assert_eq!(*sent.borrow(), MOST);
}

#[tokio::test]
async fn a_reader_that_never_reads_holds_no_more_than_its_share() {
    let (url, mut sent) = flood(100_000, 10_000).await;
    let app = app_with(
        &["127.0.0.1"],
        "local client = assert(websocket.connect(url)) channel.new(0):receive()",
        TIGHT,
    );
    let call = app.spawn("app:main", &[url.into()]);
    sent.wait_for(|sent| *sent > 10).await.expect("it sends");
    // The script waits for what cannot come; once nothing more is fetched, that is a deadlock.
    let failure = call.await.expect("no panic").expect_err("it fails");
    assert!(failure.message.contains("deadlock"), "{failure}");
    assert!(*sent.borrow() < 100_000, "the server got rid of everything");
}

#[tokio::test]
async fn pings_are_answered_while_nobody_reads() {
    let (sender, mut pongs) = mpsc::unbounded_channel();
    let port = serve_websocket(move |mut socket| {
        let sender = sender.clone();
        async move {
            socket.send(Message::Ping(Bytes::from_static(b"are you there"))).await.expect("it is sent");
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Ping(data) | Message::Pong(data) = message {
                    sender.send(data).expect("the test waits");
                }
            }
        }
    })
    .await;
    let app = app(
        &["127.0.0.1"],
        "local client = assert(websocket.connect(url)) client:ping() channel.new(0):receive()",
    );
    let call = app.spawn("app:main", &[url(port).into()]);
    let (first, second) = (pongs.recv().await, pongs.recv().await);
    call.abort();
    let (ping, pong) = (Some(Bytes::new()), Some(Bytes::from_static(b"are you there")));
    assert!(
        (&first, &second) == (&ping, &pong) || (&first, &second) == (&pong, &ping),
        "{first:?} {second:?}"
    );
}

#[tokio::test]
async fn a_server_that_says_goodbye_closes_the_channel() {
    let port = serve_websocket(|mut socket| async move {
        for text in ["one", "two", "three"] {
            socket.send(Message::text(text)).await.expect("it is sent");
        }
        let frame = CloseFrame { code: 4000.into(), reason: "enough".into() };
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let body = "
        local client = assert(websocket.connect(url))
        local inbox = client:channel()
        for _, expected in ipairs({ 'one', 'two', 'three' }) do assert(inbox:receive().data == expected) end
        local message, ok = inbox:receive()
        assert(message == nil and ok == false and client:error() == nil)
    ";
    check(body, &url(port)).await;
}

#[tokio::test]
async fn close_sends_its_code_and_reason() {
    let (sender, mut frames) = mpsc::unbounded_channel();
    let port = serve_websocket(move |mut socket| {
        let sender = sender.clone();
        async move {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Close(frame) = message {
                    sender.send(frame).expect("the test waits");
                }
            }
        }
    })
    .await;
    check("assert(websocket.connect(url)):close(4001, 'moving on')", &url(port)).await;
    let frame = frames.recv().await.flatten().expect("a close frame with a code");
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4001, "moving on"));
}

#[tokio::test]
async fn a_connection_ends_with_its_call() {
    let open = Arc::new(AtomicUsize::new(0));
    let (sender, mut ended) = mpsc::unbounded_channel();
    let counted = open.clone();
    let port = serve_websocket(move |mut socket| {
        let (open, sender) = (counted.clone(), sender.clone());
        async move {
            open.fetch_add(1, Ordering::SeqCst);
            while let Some(Ok(_)) = socket.next().await {}
            sender.send(open.fetch_sub(1, Ordering::SeqCst)).expect("the test waits");
        }
    })
    .await;
    check("for _ = 1, 3 do assert(websocket.connect(url)) end", &url(port)).await;
    for _ in 0..3 {
        ended.recv().await.expect("the connection ends");
    }
    assert_eq!(open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_cell_has_as_many_connections_as_it_has_room_for_messages() {
    let body = "
        local clients = {}
        for _ = 1, 20 do
            local client, err = websocket.connect(url, { read_limit = 1 << 20 })
            if not client then return #clients, err end
            clients[#clients + 1] = client
        end
    ";
    let app = app_with(&["127.0.0.1"], body, TIGHT);
    let failure = refusal(&app, &echo().await).await;
    assert_eq!((&failure.kind, limit(&failure)), (&Kind::RateLimited, Some("memory")));
}
