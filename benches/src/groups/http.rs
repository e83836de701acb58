//! An HTTP server whose endpoint is a function, beside a route of a web framework in Rust.

use crate::entries::{block, function, threads};
use crate::series::{quantile, spread};
use crate::{Group, Key, Run, Side, Unit};
use anyhow::{Context, ensure};
use perilune::{Entry, EntryId, HttpService, Runtime, Value};
use std::net::SocketAddr;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "http.rps_over_floor",
        Unit::Ratio,
        "requests in a second to a hello handler with clean memory, over the same route of axum; four connections per core",
    )
    .at_least(0.4),
    Key::new("http.p99_ms", Unit::Millis, "such a request under that load, p99"),
];

/// How long one sample lasts.
const WINDOW: Duration = Duration::from_millis(250);

/// Requests under way for each core: enough that no core waits for a client.
const CONNECTIONS_PER_CORE: usize = 4;

/// What both sides answer.
const HELLO: &str = "hello";

const SOURCE: &str = "local http = require('http')\n\
    return { main = function() http.response():write('hello') end }";

const REQUEST: &[u8] = b"GET /hello HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n";

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let cores = available_parallelism()?.get();
    let threads = threads(cores)?;
    let floor = threads.block_on(axum_server())?;
    let runtime = Runtime::builder().entries(entries()?).build()?;
    let ours = threads.block_on(async {
        runtime.start().await?;
        let service = runtime.resource::<HttpService>("bench:web")?;
        service.local_addr().context("a server that runs has an address")
    })?;

    let count = cores * CONNECTIONS_PER_CORE;
    let mut floor = threads.block_on(Load::new(floor, count))?;
    let mut ours = threads.block_on(Load::new(ours, count))?;
    let [floor, served] = run.interleave(
        "http",
        [
            Side::new("axum/s", || threads.block_on(floor.window())),
            Side::new("perilune/s", || threads.block_on(ours.window())),
        ],
    )?;
    let ratio = served.over(&floor, 0.5);
    run.record("http.rps_over_floor", ratio.value, Some(ratio.spread))?;
    run.record("http.p99_ms", quantile(&ours.latencies, 0.99), Some(spread(&ours.latencies)))?;
    threads.block_on(runtime.stop());
    Ok(())
}

async fn axum_server() -> anyhow::Result<SocketAddr> {
    let routes = axum::Router::new().route("/hello", axum::routing::get(|| async { HELLO }));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

fn entries() -> anyhow::Result<Vec<Entry>> {
    let entry = |name: &str, kind: &str, fields: &[(&str, &str)]| -> anyhow::Result<Entry> {
        let data = block(fields.iter().copied());
        Ok(Entry::new(EntryId::new("bench", name)?, kind).with_data(data))
    };
    Ok(vec![
        entry("web", "http.service", &[("addr", "127.0.0.1:0")])?
            .with_field("lifecycle", Value::from_iter([("auto_start", true)])),
        entry("api", "http.router", &[("server", "web")])?,
        entry(
            "get",
            "http.endpoint",
            &[("router", "api"), ("method", "GET"), ("path", "/hello"), ("func", "hello")],
        )?,
        function("hello", SOURCE)?.with_field("modules", vec![Value::from("http")]),
    ])
}

/// Connections that are kept open, each of which sends the next request when the last one is answered.
struct Load {
    connections: Vec<Client>,
    /// Milliseconds of each request so far.
    latencies: Vec<f64>,
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Load {
    async fn new(address: SocketAddr, count: usize) -> anyhow::Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connections.push(Client { stream, buffer: vec![0; 4096] });
        }
        Ok(Load { connections, latencies: Vec::new() })
    }

    /// Requests in a second, as one sample.
    async fn window(&mut self) -> anyhow::Result<Vec<f64>> {
        let began = Instant::now();
        let clients: Vec<_> = self
            .connections
            .drain(..)
            .map(|mut client| {
                tokio::spawn(async move {
                    let mut latencies = Vec::new();
                    while began.elapsed() < WINDOW {
                        let sent = Instant::now();
                        client.request().await?;
                        latencies.push(sent.elapsed().as_secs_f64() * 1e3);
                    }
                    anyhow::Ok((client, latencies))
                })
            })
            .collect();
        let mut requests = 0;
        for client in clients {
            let (client, latencies) = client.await??;
            requests += latencies.len();
            self.latencies.extend(latencies);
            self.connections.push(client);
        }
        Ok(vec![requests as f64 / began.elapsed().as_secs_f64()])
    }
}

impl Client {
    async fn request(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(REQUEST).await?;
        let mut read = 0;
        // Both sides announce a length, and the body is the end of it.
        while !self.buffer[..read].ends_with(b"\r\n\r\nhello") {
            let more = self.stream.read(&mut self.buffer[read..]).await?;
            ensure!(more > 0, "the server answered {:?}", String::from_utf8_lossy(&self.buffer[..read]));
            read += more;
        }
        ensure!(
            self.buffer.starts_with(b"HTTP/1.1 200"),
            "{:?}",
            String::from_utf8_lossy(&self.buffer[..read])
        );
        Ok(())
    }
}
