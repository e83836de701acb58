//! Servers for tests of clients: real ones, on this machine.

use futures_util::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub(crate) const CA: &str = include_str!("tls/ca.pem");
pub(crate) const CERT: &str = include_str!("tls/cert.pem");
pub(crate) const KEY: &str = include_str!("tls/key.pem");

/// What a server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// A server of HTTP. It ends when it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    counts: watch::Receiver<Counts>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// Requests that began, and those whose client left before the answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) begun: usize,
    pub(crate) left: usize,
    /// Under way now, and most at a time.
    pub(crate) running: usize,
    pub(crate) most: usize,
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no server panics").clone()
    }

    /// Connections that were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Waits until the counts are so.
    pub(crate) async fn until(&self, is_so: impl Fn(&Counts) -> bool) {
        let mut counts = self.counts.clone();
        let waited = counts.wait_for(is_so);
        let waited = tokio::time::timeout(perilune_tests::PATIENCE, waited).await;
        waited.expect("the server gets there").expect("the server lives");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts a request as abandoned unless it is answered.
struct Under {
    counts: watch::Sender<Counts>,
    is_answered: bool,
}

impl Under {
    fn begin(counts: &watch::Sender<Counts>) -> Self {
        counts.send_modify(|counts| {
            counts.begun += 1;
            counts.running += 1;
            counts.most = counts.most.max(counts.running);
        });
        Under { counts: counts.clone(), is_answered: false }
    }
}

impl Drop for Under {
    fn drop(&mut self) {
        self.counts.send_modify(|counts| {
            counts.running -= 1;
            counts.left += usize::from(!self.is_answered);
        });
    }
}

/// A server that answers each request with what `answer` makes of it.
pub(crate) async fn serve<A>(answer: impl Fn(Seen) -> A + Send + Sync + 'static) -> Server
where
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    run(listener, answer, None)
}

/// [`serve`] with TLS, by the certificate of this folder; `asks_back` for the client's.
pub(crate) async fn serve_tls<A>(
    asks_back: bool,
    answer: impl Fn(Seen) -> A + Send + Sync + 'static,
) -> Server
where
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    run(listener, answer, Some(acceptor(asks_back)))
}

fn acceptor(asks_back: bool) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = if asks_back {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CA.as_bytes()).expect("a certificate")).expect("it fits");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let cert = CertificateDer::from_pem_slice(CERT.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).expect("a key");
    TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![cert], key).expect("they fit")))
}

fn run<A>(
    listener: TcpListener,
    answer: impl Fn(Seen) -> A + Send + Sync + 'static,
    tls: Option<TlsAcceptor>,
) -> Server
where
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let port = listener.local_addr().expect("it is bound").port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let connections = Arc::new(AtomicUsize::new(0));
    let (sender, counts) = watch::channel(Counts::default());
    let answer = Arc::new(answer);
    let (all, accepted) = (seen.clone(), connections.clone());
    let task = tokio::spawn(async move {
        let mut running = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            let (answer, all, sender, tls) = (answer.clone(), all.clone(), sender.clone(), tls.clone());
            running.spawn(async move {
                match tls {
                    None => connection(stream, answer, all, sender).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            connection(stream, answer, all, sender).await;
                        }
                    }
                }
            });
        }
    });
    Server { port, seen, counts, connections, task }
}

async fn connection<A>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    answer: Arc<impl Fn(Seen) -> A + Send + Sync + 'static>,
    all: Arc<Mutex<Vec<Seen>>>,
    counts: watch::Sender<Counts>,
) where
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, all, counts) = (answer.clone(), all.clone(), counts.clone());
        async move {
            let mut under = Under::begin(&counts);
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
            let path = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
            let seen = Seen { method: head.method.to_string(), path, headers: head.headers, body };
            all.lock().expect("no server panics").push(seen.clone());
            let response = answer(seen).await;
            under.is_answered = true;
            Ok::<_, Infallible>(response)
        }
    });
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// A server on a socket of the file system that answers each connection's first request with these bytes.
pub(crate) fn serve_socket(path: &std::path::Path, answer: &'static [u8]) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).expect("a socket");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            head(&mut stream).await;
            let _ = stream.write_all(answer).await;
        }
    })
}

/// A server that answers each connection's first request with these bytes, whatever they are, and closes it.
pub(crate) async fn serve_bytes(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                head(&mut stream).await;
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

/// Reads up to the end of a request's headers.
async fn head(stream: &mut (impl AsyncRead + Unpin)) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => return,
        }
    }
}

/// A port on which nobody listens.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("it is bound").port()
}

pub(crate) fn text(status: u16, text: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(text.into()).boxed();
    Response::builder().status(status).body(body).expect("a response")
}

/// An answer without a body, with these headers.
pub(crate) fn headers(status: u16, headers: &[(&str, &str)]) -> Response<Body> {
    let mut response = text(status, "");
    for (name, value) in headers {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes()).expect("a name");
        response.headers_mut().append(name, value.parse().expect("a value"));
    }
    response
}

/// An answer whose body comes in these pieces; it never ends if `is_open`.
pub(crate) fn pieces(pieces: &[&'static str], is_open: bool) -> Response<Body> {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from(*piece)))).collect();
    let pieces = futures_util::stream::iter(pieces);
    let body = match is_open {
        true => BodyExt::boxed(StreamBody::new(pieces.chain(futures_util::stream::pending()))),
        false => BodyExt::boxed(StreamBody::new(pieces)),
    };
    Response::new(body)
}

/// A WebSocket server: `talk` has each connection once it has shaken hands.
pub(crate) async fn serve_websocket<T>(
    talk: impl Fn(tokio_tungstenite::WebSocketStream<TcpStream>) -> T + Send + Sync + 'static,
) -> u16
where
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let talk = Arc::new(talk);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let talk = talk.clone();
            tokio::spawn(async move {
                if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                    talk(socket).await;
                }
            });
        }
    });
    port
}
