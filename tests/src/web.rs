//! An application with a server, and a client that sends exactly what it is told to.

use crate::{App, PATIENCE};
use perilune::{HttpService, RuntimeBuilder};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// The server and what its endpoints need; `app:plain` asks for the exchange that only endpoints have.
const ENTRIES: &[&str] = &[
    "{name: api, kind: http.router, meta: {server: web}}",
    "{name: get, kind: http.endpoint, meta: {router: api}, method: GET, path: /a, func: main}",
    "{name: post, kind: http.endpoint, meta: {router: api}, method: POST, path: /a, func: main}",
    "{name: named, kind: http.endpoint, meta: {router: api}, method: GET, path: '/a/{name}', func: main}",
    "{name: plain, kind: function.lua, source: 'file://plain.lua', method: main, modules: [http]}",
];
const SERVER: &[&str] =
    &["{name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true}}"];
const PLAIN: &str = "local http = require('http')\n\
    return function() return select(2, http.request()):kind() .. '/' .. select(2, http.response()):kind() end";

/// An application whose function `app:main` answers GET and POST of `/a`, and GET of `/a/{name}`.
pub struct Web {
    /// The application.
    pub app: App,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Web {
    /// With this source as `app:main`, which may use `http` and these modules.
    pub async fn function(modules: &str, source: &str) -> Web {
        let separator = if modules.is_empty() { "" } else { ", " };
        Self::entries(&format!("{{name: main, modules: [http{separator}{modules}]"), source).await
    }

    /// With these fields of `app:main`, from `{name: main` on and without the brace at the end.
    pub async fn entries(main: &str, source: &str) -> Web {
        Self::with(main, source, |builder| builder).await
    }

    /// [`Web::entries`] with settings of the host.
    pub async fn with(
        main: &str,
        source: &str,
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Web {
        Self::of(SERVER, main, source, settings).await
    }

    /// [`Web::with`] with a server `app:web` and further entries of one's own.
    pub async fn of(
        entries: &[&str],
        main: &str,
        source: &str,
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Web {
        let main = format!("{main}, kind: function.lua, source: 'file://main.lua', method: main}}");
        let mut yaml = "version: '1.0'\nnamespace: app\nentries:\n".to_owned();
        for line in entries.iter().chain(ENTRIES).chain([&main.as_str()]) {
            yaml += &format!("  - {line}\n");
        }
        let app = App::with(&[("app.yaml", &yaml), ("main.lua", source), ("plain.lua", PLAIN)], settings);
        app.runtime.start().await.expect("the services start");
        let service = app.runtime.resource::<HttpService>("app:web").expect("the server");
        let address = service.local_addr().expect("a server that runs has an address");
        Web { app, address }
    }

    /// A connection.
    pub async fn connect(&self) -> Wire {
        Wire::connect(self.address).await
    }

    /// The answer to GET of a path.
    pub async fn get(&self, path: &str) -> Answer {
        get(self.address, path).await
    }

    /// [`Web::get`] on a task of its own.
    pub fn spawn(&self, path: &'static str) -> JoinHandle<Answer> {
        tokio::spawn(get(self.address, path))
    }
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    let mut wire = Wire::connect(address).await;
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
    wire.answer().await
}

/// One connection of a client.
pub struct Wire {
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Wire {
    /// A connection to a server.
    pub async fn connect(address: SocketAddr) -> Wire {
        Wire { stream: BufReader::new(TcpStream::connect(address).await.expect("the server accepts")) }
    }

    /// Sends bytes. What the server does not take any more is lost, as it would be for any client.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.get_mut().write_all(bytes.as_ref()).await);
    }

    /// Whether the server takes all of this within a time. What it has not taken by then is lost.
    pub async fn takes(&mut self, bytes: impl AsRef<[u8]>, time: Duration) -> bool {
        tokio::time::timeout(time, self.stream.get_mut().write_all(bytes.as_ref())).await.is_ok()
    }

    /// All that comes until the server closes the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end as well.
        drop(within(self.stream.read_to_end(&mut rest)).await);
        rest
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        loop {
            match within(self.stream.read_u8()).await.expect("the server answers") {
                b'\n' => return String::from_utf8_lossy(&line).trim_end().to_owned(),
                byte => line.push(byte),
            }
        }
    }

    /// The next answer, to anything but HEAD.
    pub async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        match answer.header("content-length").parse() {
            Ok(length) => answer.body = self.exactly(length).await,
            Err(_) if answer.header("transfer-encoding") == "chunked" => {
                while let Some(chunk) = self.chunk().await {
                    answer.body.extend(chunk);
                }
            }
            Err(_) => {}
        }
        answer
    }

    /// The head of the next answer.
    pub async fn head(&mut self) -> Answer {
        let first = self.line().await;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').expect("a header has a colon");
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Answer { status: status.expect("the answer begins with a status"), headers, body: Vec::new() }
    }

    /// The next chunk of a chunked body; `None` for the last one.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line().await, 16).expect("a chunk has a size");
        let chunk = self.exactly(size).await;
        self.line().await;
        Some(chunk).filter(|chunk| !chunk.is_empty())
    }

    async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        within(self.stream.read_exact(&mut bytes)).await.expect("all of it comes");
        bytes
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}
