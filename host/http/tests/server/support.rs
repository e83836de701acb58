//! A server whose functions are written in Rust, and a client that says exactly what it is told to.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_http::{Exchange, HttpService};
use perilune_registry::{Baseline, Kinds, Registry, Report, Rules};
use perilune_resource::{Allowed, Host, Invocation, Invoke, Resources, Service, Shared};
use perilune_value::{Failure, Value};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Long enough for any machine: whoever waits longer waits for something that does not happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Called = Result<Value, Failure>;
type Body = Arc<dyn Fn(Arc<Exchange>) -> BoxFuture<'static, Called> + Send + Sync>;

/// What a function does: `app:<name>`.
pub(crate) struct Function {
    name: &'static str,
    body: Body,
}

/// A function of the application.
pub(crate) fn function<F>(
    name: &'static str,
    body: impl Fn(Arc<Exchange>) -> F + Send + Sync + 'static,
) -> Function
where
    F: Future<Output = Called> + Send + 'static,
{
    Function { name, body: Arc::new(move |exchange| body(exchange).boxed()) }
}

/// A function that says which one it is.
pub(crate) fn says(name: &'static str) -> Function {
    function(name, move |_| async move { Ok(Value::from(name)) })
}

struct Functions(HashMap<String, Body>);

impl Invoke for Functions {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Called> {
        let exchange = invocation.attachment.and_then(|attachment| attachment.downcast::<Exchange>().ok());
        let exchange = exchange.expect("every call of a server carries an exchange");
        let body = &self.0[&invocation.target];
        body(exchange)
    }
}

/// An application with one server, `app:web`.
pub(crate) struct Site {
    pub(crate) registry: Arc<Registry>,
    pub(crate) service: Arc<HttpService>,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    _resources: Arc<Resources>,
}

/// An entry that makes `app:<function>` answer in router `app:api`.
pub(crate) fn endpoint(method: &str, path: &str, function: &str) -> String {
    let name = format!("{method}{path}").replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    format!(
        "{{name: e_{name}, kind: http.endpoint, meta: {{router: api}}, method: {method}, path: '{path}', func: {function}}}"
    )
}

/// The entries of an application, one a line.
pub(crate) fn entries(lines: &[String], functions: &[Function]) -> String {
    let mut yaml = "version: '1.0'\nnamespace: app\nentries:\n".to_owned();
    for line in lines {
        yaml += &format!("  - {line}\n");
    }
    for function in functions {
        let name = function.name;
        yaml += &format!("  - {{name: {name}, kind: function.lua, source: 'return {{}}', method: main}}\n");
    }
    yaml
}

/// Loads an application.
pub(crate) fn load(folder: &TempDir, yaml: &str) -> Result<Registry, Report> {
    std::fs::write(folder.path().join("app.yaml"), yaml).expect("the file is written");
    let kinds = [perilune_http::KINDS, perilune_files::KINDS].into_iter().flatten();
    let rules = Rules::new(kinds.fold(Kinds::standard(), |kinds, kind| kinds.with(kind.spec)));
    Registry::new(Baseline::read_dir(folder.path(), &rules), rules)
}

/// What is wrong with the entries of an application.
pub(crate) fn problems(lines: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    match load(&folder, &entries(&lines, &[says("f")])) {
        Ok(_) => "nothing".to_owned(),
        Err(report) => report.render(false),
    }
}

impl Site {
    /// A server with these further fields, a router `app:api` with these, and endpoints `METHOD /path function`.
    pub(crate) async fn new(
        server: &str,
        router: &str,
        routes: &[&str],
        functions: impl IntoIterator<Item = Function>,
    ) -> Site {
        let mut lines = vec![
            format!("{{name: web, kind: http.service, addr: '127.0.0.1:0', {server}}}"),
            format!("{{name: api, kind: http.router, meta: {{server: web}}, {router}}}"),
        ];
        lines.extend(routes.iter().map(|route| match route.split(' ').collect::<Vec<_>>()[..] {
            [method, path, function] => endpoint(method, path, function),
            _ => (*route).to_owned(),
        }));
        Self::of(&lines, functions).await.unwrap_or_else(|failure| panic!("the server starts: {failure}"))
    }

    /// A server with default fields.
    pub(crate) async fn plain(routes: &[&str], functions: impl IntoIterator<Item = Function>) -> Site {
        Self::new("", "", routes, functions).await
    }

    /// A server of these entries, one of which is `app:web`.
    pub(crate) async fn of(
        lines: &[String],
        functions: impl IntoIterator<Item = Function>,
    ) -> Result<Site, Failure> {
        Self::within(lines, functions, Shared::default()).await
    }

    /// As [`Site::of`], in a host that has these things once.
    pub(crate) async fn within(
        lines: &[String],
        functions: impl IntoIterator<Item = Function>,
        shared: Shared,
    ) -> Result<Site, Failure> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let functions: Vec<Function> = functions.into_iter().collect();
        let registry = load(&folder, &entries(lines, &functions))
            .unwrap_or_else(|report| panic!("the application loads: {}", report.render(false)));
        let registry = Arc::new(registry);
        let bodies = functions.into_iter().map(|function| (format!("app:{}", function.name), function.body));
        let host = Host {
            registry: registry.clone(),
            functions: Arc::new(Functions(bodies.collect())),
            folder: Some(folder.path().to_owned()),
            allowed: Allowed::default(),
            shared,
            variables: |_, _| Ok(None),
        };
        let kinds = [perilune_http::KINDS, perilune_files::KINDS].into_iter().flatten().copied();
        let resources = Resources::new(host, kinds);
        let service: Arc<HttpService> = resources.get("app:web")?;
        service.start().await?;
        let address = service.local_addr().expect("a server that runs has an address");
        Ok(Site { registry, service, address, folder, _resources: resources })
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> Wire {
        Wire { stream: BufReader::new(TcpStream::connect(self.address).await.expect("the server accepts")) }
    }

    /// The response to one request on a connection of its own, without further headers.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Reply {
        self.ask_with(method, path, "").await
    }

    /// As [`Site::ask`], with headers, each ended by `\r\n`.
    pub(crate) async fn ask_with(&self, method: &str, path: &str, headers: &str) -> Reply {
        let mut wire = self.connect().await;
        wire.send(format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")).await;
        wire.reply_to(method).await
    }

    /// What GET gives, in short: the status and the body.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let reply = self.ask("GET", path).await;
        (reply.status, reply.text())
    }
}

/// One connection of a client.
pub(crate) struct Wire {
    pub(crate) stream: BufReader<TcpStream>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Wire {
    /// Sends bytes. What the server does not take any more is lost, as it would be for any client.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.get_mut().write_all(bytes.as_ref()).await);
    }

    /// [`Wire::send`] that says whether the server has taken all of it.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        within(self.stream.get_mut().write_all(bytes.as_ref())).await.is_ok()
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn half_close(&mut self) {
        drop(self.stream.get_mut().shutdown().await);
    }

    /// The next line, without its end; `None` at the end.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match within(self.stream.read_u8()).await {
                Ok(b'\n') => return Some(String::from_utf8_lossy(&line).trim_end().to_owned()),
                Ok(byte) => line.push(byte),
                Err(_) => return None,
            }
        }
    }

    /// The next response.
    pub(crate) async fn reply(&mut self) -> Reply {
        self.reply_to("GET").await
    }

    /// The next response, to a request of a method.
    pub(crate) async fn reply_to(&mut self, method: &str) -> Reply {
        let mut reply = self.head().await;
        let has_body = method != "HEAD" && !matches!(reply.status, 204 | 304);
        match reply.header("content-length").parse::<usize>() {
            _ if !has_body => {}
            Ok(length) => {
                reply.body = vec![0; length];
                within(self.stream.read_exact(&mut reply.body)).await.expect("the body is complete");
            }
            Err(_) if reply.header("transfer-encoding") == "chunked" => {
                while let Some(chunk) = self.chunk().await {
                    reply.body.extend(chunk);
                }
            }
            Err(_) => reply.body = self.rest().await,
        }
        reply
    }

    /// The head of the next response.
    pub(crate) async fn head(&mut self) -> Reply {
        let first = self.line().await.expect("the server answers");
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut headers = Vec::new();
        while let Some(line) = self.line().await.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a header has a colon");
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Reply { status: status.expect("the answer begins with a status"), headers, body: Vec::new() }
    }

    /// The next chunk of a chunked body; `None` for the last one.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line().await.expect("a chunk has a size"), 16);
        let mut chunk = vec![0; size.expect("the size of a chunk is hexadecimal")];
        within(self.stream.read_exact(&mut chunk)).await.expect("the chunk is complete");
        self.line().await;
        Some(chunk).filter(|chunk| !chunk.is_empty())
    }

    /// All that comes until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end as well.
        drop(within(self.stream.read_to_end(&mut rest)).await);
        rest
    }
}

/// The outcome of something that must happen.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}

/// A client that speaks HTTP/2 at once.
pub(crate) fn http2_client() -> reqwest::Client {
    // It asks for one although nothing is encrypted; another test may have been faster.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().http2_prior_knowledge().build().expect("a client")
}
