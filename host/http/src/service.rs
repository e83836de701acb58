//! `http.service`: a server that starts and stops with its application.

use crate::connection::protocol;
use crate::current::Current;
use crate::serve::Surroundings;
use crate::server::{Running, Server};
use crate::settings::{Settings, address};
use crate::tls;
use crate::watch::Patience;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_registry::{Code, Entry, EntryId, Field, Fields, KindSpec, Problem, Type};
use perilune_resource::{Host, LIFECYCLE, Opened, Opening, ResourceKind, Resources, Security, Service};
use perilune_value::{Failure, Value};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The kind `http.service`.
pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "http.service",
        doc: "An HTTP server, for HTTP/1.1 and HTTP/2",
        fields: Fields::Known(&[
            Field {
                name: "addr",
                ty: Type::String,
                required: true,
                doc: "where it listens: `:8080` for all addresses, `127.0.0.1:0` for any free port",
                ..FIELD
            },
            Field { name: "timeouts", ty: Type::Object(TIMEOUTS), doc: "how long clients may take", ..FIELD },
            Field { name: "limits", ty: Type::Object(LIMITS), doc: "how much clients may take", ..FIELD },
            Field { name: "tls", ty: Type::Object(TLS), default: "none", doc: "encryption", ..FIELD },
            Field {
                name: "host",
                ty: Type::Object(RELAYS),
                doc: "for connections that outlive a request, such as web sockets",
                ..FIELD
            },
            LIFECYCLE,
        ]),
        placeholders: true,
        check: Some(check),
        together: Some(crate::conflicts::TOGETHER),
        ..KindSpec::EMPTY
    },
    open,
};

const TIMEOUTS: &[Field] = &[
    Field {
        name: "read",
        ty: Type::Duration { max: DAY },
        default: "30s",
        doc: "how long the client may send nothing of a body",
        ..FIELD
    },
    Field {
        name: "write",
        ty: Type::Duration { max: DAY },
        default: "60s",
        doc: "how long the client may take nothing of a response",
        ..FIELD
    },
    Field {
        name: "idle",
        ty: Type::Duration { max: DAY },
        default: "60s",
        doc: "how long a connection may wait for its next request",
        ..FIELD
    },
];

const LIMITS: &[Field] = &[
    Field {
        name: "max_connections",
        ty: Type::Integer { min: 1, max: 1_000_000 },
        default: "10000",
        doc: "connections at the same time; further ones wait",
        ..FIELD
    },
    Field {
        name: "max_header_bytes",
        ty: Type::Bytes { min: 8 << 10, max: 16 << 20 },
        default: "64KiB",
        doc: "a request's line and headers",
        ..FIELD
    },
    Field {
        name: "max_headers",
        ty: Type::Integer { min: 1, max: 10_000 },
        default: "100",
        doc: "headers of a request",
        ..FIELD
    },
    Field {
        name: "max_body",
        ty: Type::Bytes { min: 1, max: 1 << 40 },
        default: "120MiB",
        doc: "a request's body",
        ..FIELD
    },
    Field {
        name: "header_timeout",
        ty: Type::Duration { max: DAY },
        default: "10s",
        doc: "how long the headers may take to arrive",
        ..FIELD
    },
];

const TLS: &[Field] = &[
    Field {
        name: "mode",
        ty: Type::OneOf(&["manual"]),
        default: "none",
        doc: "`manual`: with the certificate in `cert`",
        ..FIELD
    },
    Field { name: "cert", ty: Type::String, doc: "certificate chain, in PEM", ..FIELD },
    Field { name: "key", ty: Type::String, doc: "its private key, in PEM", ..FIELD },
    Field { name: "client_ca", ty: Type::String, doc: "who signs clients' certificates, in PEM", ..FIELD },
    Field {
        name: "client_auth",
        ty: Type::OneOf(&["request", "require_any", "verify_if_given", "require_and_verify"]),
        default: "none",
        doc: "what is asked of clients",
        ..FIELD
    },
];

const RELAYS: &[Field] = &[
    Field {
        name: "buffer_size",
        ty: Type::Integer { min: 1, max: 1_000_000 },
        default: "1024",
        doc: "messages that may wait for one connection",
        ..FIELD
    },
    Field {
        name: "worker_count",
        ty: Type::Integer { min: 1, max: 1_024 },
        doc: "accepted; connections run on the host's threads",
        ..FIELD
    },
];

fn check(entry: &Entry) -> Vec<Problem> {
    let data = entry.data();
    let mut problems = Vec::new();
    let addr = data.get("addr").and_then(Value::as_str).unwrap_or_default();
    if !addr.contains("${")
        && let Err(failure) = address(addr)
    {
        let message = failure.message.trim_start_matches("field `addr`: ");
        problems.push(Problem::in_field(entry, "addr", Code::BAD_VALUE, message));
    }
    if let Some(tls) = data.get("tls") {
        let missing = |field: &str| tls.get(field).is_none();
        let mut needs = |field: &str, why: &str| {
            let path = format!("tls.{field}");
            let problem = Problem::in_field(entry, path.as_str(), Code::MISSING_FIELD, "it is missing");
            problems.push(problem.help(why.to_owned()));
        };
        if !missing("mode") {
            for field in ["cert", "key"].into_iter().filter(|field| missing(field)) {
                needs(field, "`mode: manual` takes `cert` and `key`, both in PEM");
            }
        }
        let auth = tls.get("client_auth").and_then(Value::as_str);
        if matches!(auth, Some("verify_if_given" | "require_and_verify")) && missing("client_ca") {
            needs("client_ca", "clients' certificates are verified with it");
        }
    }
    problems
}

/// A live `http.service`.
pub struct HttpService {
    id: EntryId,
    host: Arc<Host>,
    /// It is one of them: they keep it alive, not it them.
    resources: Weak<Resources>,
    settings: Settings,
    addresses: Vec<SocketAddr>,
    tls: Option<TlsAcceptor>,
    security: Arc<Security>,
    running: Arc<Mutex<Option<Running>>>,
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let settings: Settings = opening.config()?;
    Ok(Opened::service(Arc::new(HttpService {
        id: opening.id().clone(),
        host: opening.host().clone(),
        resources: Arc::downgrade(opening.resources()),
        addresses: address(&settings.addr)?,
        tls: tls::acceptor(settings.tls.as_ref())?,
        security: Arc::new(Security::of(opening, &settings.lifecycle)?),
        running: Arc::default(),
        settings,
    })))
}

impl HttpService {
    /// Where it listens, while it runs: with `addr: 127.0.0.1:0`, the port that was free.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.running().as_ref().map(|running| running.address)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn server(&self) -> Result<Server, Failure> {
        let Settings { timeouts, limits, .. } = &self.settings;
        let surroundings =
            Surroundings { functions: self.host.functions.clone(), resources: self.resources.clone() };
        let header_bytes = usize::try_from(limits.max_header_bytes).unwrap_or(usize::MAX);
        Ok(Server {
            current: Current::new(self.id.clone(), self.host.registry.clone(), &surroundings)?,
            surroundings,
            security: self.security.clone(),
            protocol: protocol(header_bytes, limits.max_headers, timeouts.write()),
            tls: self.tls.clone(),
            patience: Patience {
                header: limits.header_timeout,
                idle: timeouts.idle(),
                write: timeouts.write(),
            },
            read_patience: timeouts.read(),
            max_body: limits.max_body,
            slots: Arc::new(Semaphore::new(limits.max_connections)),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            cut: CancellationToken::new(),
        })
    }
}

impl Service for HttpService {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let server = self.server();
        let (addresses, shown) = (self.addresses.clone(), self.settings.addr.clone());
        let (id, place) = (self.id.clone(), self.running.clone());
        async move {
            let running = Running::start(server?, &addresses, &format!("`{shown}` ({id})")).await?;
            tracing::info!(service = %id, address = %running.address, "listening");
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
            Ok(())
        }
        .boxed()
    }

    fn address(&self) -> Option<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.local_addr().map(|address| format!("{scheme}://{address}"))
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        let running = self.running().take();
        async move {
            if let Some(running) = running {
                running.stop().await;
            }
        }
        .boxed()
    }
}
