//! Kind `temporal.client`: a Temporal server, and a namespace on it.

use crate::workflows::kinds::FIELD;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending};
use perilune_files::Root;
use perilune_network::{Host, List, Policy, Target};
use perilune_registry::{Code, Entry, Field, Fields, KindSpec, Problem, Type};
use perilune_resource::{Ended, LIFECYCLE, Opened, Opening, ResourceKind, Service, kind};
use perilune_temporal::{Auth, Client, ClientSettings, Secret, TemporalError, TlsSettings};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::WorkflowError;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

pub(in crate::workflows) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "temporal.client",
        doc: "A Temporal server, and a namespace on it",
        fields: Fields::Known(FIELDS),
        placeholders: true,
        check: Some(check),
        ..KindSpec::EMPTY
    },
    open,
};

const FIELDS: &[Field] = &[
    Field { name: "address", ty: Type::String, required: true, doc: "`host:port` of the server", ..FIELD },
    Field { name: "namespace", ty: Type::String, default: "`default`", doc: "the namespace", ..FIELD },
    Field {
        name: "tq_prefix",
        ty: Type::String,
        default: "none",
        doc: "stands before the name of every task queue",
        ..FIELD
    },
    Field {
        name: "connection_timeout",
        ty: Type::Duration { max: HOUR },
        default: "10s",
        doc: "how long a start or a signal waits for a server that is away; workers go on waiting",
        ..FIELD
    },
    Field {
        name: "keep_alive_time",
        ty: Type::Duration { max: HOUR },
        default: "30s",
        doc: "how often a silent connection is asked whether it is alive",
        ..FIELD
    },
    Field {
        name: "keep_alive_timeout",
        ty: Type::Duration { max: HOUR },
        default: "10s",
        doc: "how long it may take to answer that",
        ..FIELD
    },
    Field { name: "auth", ty: Type::Object(AUTH), default: "none", doc: "who this host is", ..FIELD },
    Field {
        name: "tls",
        ty: Type::Object(TLS),
        default: "off",
        doc: "how the connection is encrypted",
        ..FIELD
    },
    Field {
        name: "health_check",
        ty: Type::Object(&[
            Field {
                name: "enabled",
                ty: Type::Bool,
                default: "`false`",
                doc: "whether the server is asked, and a server that is away ends the service",
                ..FIELD
            },
            Field {
                name: "interval",
                ty: Type::Duration { max: HOUR },
                default: "30s",
                doc: "how often",
                ..FIELD
            },
        ]),
        default: "off",
        doc: "whether the server is looked after",
        ..FIELD
    },
    LIFECYCLE,
];

const AUTH: &[Field] = &[
    Field {
        name: "type",
        ty: Type::OneOf(&["none", "api_key", "mtls"]),
        default: "`none`",
        doc: "a key in every request, or a certificate",
        ..FIELD
    },
    Field { name: "api_key", ty: Type::String, doc: "the key, best as `${env:NAME}`", ..FIELD },
    Field { name: "api_key_env", ty: Type::String, doc: "the variable that holds it", ..FIELD },
    Field { name: "api_key_file", ty: Type::String, doc: "the file that holds it", ..FIELD },
    Field { name: "cert_pem", ty: Type::String, doc: "the certificate", ..FIELD },
    Field { name: "cert_file", ty: Type::String, doc: "the file that holds it", ..FIELD },
    Field { name: "key_pem", ty: Type::String, doc: "its private key, best as `${env:NAME}`", ..FIELD },
    Field { name: "key_pem_env", ty: Type::String, doc: "the variable that holds it", ..FIELD },
    Field { name: "key_file", ty: Type::String, doc: "the file that holds it", ..FIELD },
];

const TLS: &[Field] = &[
    Field {
        name: "enabled",
        ty: Type::Bool,
        default: "`false`; `true` with `auth`",
        doc: "whether the connection is encrypted",
        ..FIELD
    },
    Field {
        name: "ca_file",
        ty: Type::String,
        default: "the public authorities",
        doc: "certificates (PEM) of who may vouch for the server",
        ..FIELD
    },
    Field {
        name: "server_name",
        ty: Type::String,
        default: "the address",
        doc: "how the server's certificate names it",
        ..FIELD
    },
    Field {
        name: "insecure_skip_verify",
        ty: Type::Bool,
        default: "`false`",
        doc: "whether anybody may be the server; for tests",
        ..FIELD
    },
];

/// What holds the parts of `auth`, by type: one of each list.
const PARTS: &[(&str, &[&[&str]])] = &[
    ("none", &[]),
    ("api_key", &[&["api_key", "api_key_env", "api_key_file"]]),
    ("mtls", &[&["cert_file", "cert_pem"], &["key_file", "key_pem", "key_pem_env"]]),
];

fn check(entry: &Entry) -> Vec<Problem> {
    let mut problems = Vec::new();
    let wrong = |field: &str, message: String, help: &str| {
        Problem::in_field(entry, field, Code::BAD_VALUE, message).help(help)
    };
    if let Some(auth) = entry.data().get("auth") {
        let which = auth.get("type").and_then(Value::as_str).unwrap_or("none");
        let lists = PARTS.iter().find(|(name, _)| *name == which).map_or(&[][..], |(_, lists)| lists);
        for (_, others) in PARTS.iter().filter(|(name, _)| *name != which) {
            for field in others.iter().flat_map(|list| *list).filter(|field| auth.get(field).is_some()) {
                let message = format!("`auth.type` is `{which}`, which has no `{field}`");
                problems.push(wrong("auth", message, "set `auth.type` to what the field belongs to"));
            }
        }
        for list in lists {
            if list.iter().filter(|field| auth.get(field).is_some()).count() != 1 {
                let message =
                    format!("`auth.type` is `{which}`, which needs exactly one of {}", list.join(", "));
                problems.push(wrong("auth", message, "give one of them, and no other"));
            }
        }
    }
    if let Some(tls) = entry.data().get("tls")
        && tls.get("insecure_skip_verify") == Some(&Value::Bool(true))
    {
        for field in ["server_name", "ca_file"].iter().filter(|field| tls.get(field).is_some()) {
            let message =
                format!("`{field}` says whom to trust, and `insecure_skip_verify` to trust everybody");
            problems.push(wrong("tls", message, "leave one of the two out"));
        }
    }
    problems
}

#[derive(Clone, Deserialize)]
struct Config {
    address: String,
    #[serde(default = "namespace")]
    namespace: String,
    #[serde(default)]
    tq_prefix: String,
    #[serde(default, deserialize_with = "kind::optional_duration")]
    connection_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "kind::optional_duration")]
    keep_alive_time: Option<Duration>,
    #[serde(default, deserialize_with = "kind::optional_duration")]
    keep_alive_timeout: Option<Duration>,
    #[serde(default)]
    auth: AuthConfig,
    #[serde(default)]
    tls: TlsConfig,
    #[serde(default)]
    health_check: HealthCheck,
}

fn namespace() -> String {
    "default".to_owned()
}

#[derive(Clone, Default, Deserialize)]
struct AuthConfig {
    #[serde(default, rename = "type")]
    which: Option<String>,
    api_key: Option<String>,
    api_key_env: Option<String>,
    api_key_file: Option<String>,
    cert_pem: Option<String>,
    cert_file: Option<String>,
    key_pem: Option<String>,
    key_pem_env: Option<String>,
    key_file: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
struct TlsConfig {
    #[serde(default)]
    enabled: bool,
    ca_file: Option<String>,
    server_name: Option<String>,
    #[serde(default)]
    insecure_skip_verify: bool,
}

#[derive(Clone, Default, Deserialize)]
struct HealthCheck {
    #[serde(default)]
    enabled: bool,
    #[serde(default, deserialize_with = "kind::optional_duration")]
    interval: Option<Duration>,
}

/// Reads what fields name, within what the host allows.
struct Reader<'a, 'b>(&'a Opening<'b>);

impl Reader<'_, '_> {
    fn file(&self, field: &str, path: &str) -> Result<String, Failure> {
        let root = Root::of(self.0, field, path, self.0.folder())?;
        let unreadable = |why: &str| {
            Failure::invalid(format!("{}: field `{field}`: {path} cannot be read: {why}", self.0.id()))
        };
        let (folder, name) = root.split().ok_or_else(|| unreadable("it names no file"))?;
        folder.open()?.read_to_string(name).map_err(|error| unreadable(&error.to_string()))
    }

    fn variable(&self, field: &str, name: &str) -> Result<String, Failure> {
        let value = (self.0.host().variables)(self.0, name)?;
        value.ok_or_else(|| {
            Failure::invalid(format!("{}: field `{field}`: there is no variable {name}", self.0.id()))
        })
    }

    /// The one that is given of text, variable and file.
    fn secret(
        &self,
        field: &str,
        text: Option<&String>,
        variable: Option<&String>,
        file: Option<&String>,
    ) -> Result<Secret, Failure> {
        let read = match (text, variable, file) {
            (Some(text), ..) => text.clone(),
            (_, Some(name), _) => self.variable(&format!("auth.{field}_env"), name)?,
            (.., Some(path)) => self.file(&format!("auth.{field}_file"), path)?,
            _ => {
                return Err(Failure::invalid(format!("{}: field `auth`: `{field}` is missing", self.0.id())));
            }
        };
        Ok(Secret::Text(read))
    }

    fn auth(&self, auth: &AuthConfig) -> Result<Auth, Failure> {
        Ok(match auth.which.as_deref() {
            Some("api_key") => Auth::ApiKey(self.secret(
                "api_key",
                auth.api_key.as_ref(),
                auth.api_key_env.as_ref(),
                auth.api_key_file.as_ref(),
            )?),
            Some("mtls") => Auth::Mtls {
                certificate: self.secret("cert", auth.cert_pem.as_ref(), None, auth.cert_file.as_ref())?,
                key: self.secret(
                    "key",
                    auth.key_pem.as_ref(),
                    auth.key_pem_env.as_ref(),
                    auth.key_file.as_ref(),
                )?,
            },
            _ => Auth::None,
        })
    }
}

/// A server.
pub(super) struct Server {
    pub(super) client: Client,
    health_check: Option<Duration>,
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let reader = Reader(opening);
    let ca = config.tls.ca_file.as_ref().map(|path| reader.file("tls.ca_file", path)).transpose()?;
    let base = ClientSettings::default();
    let settings = ClientSettings {
        auth: reader.auth(&config.auth)?,
        tls: TlsSettings {
            enabled: config.tls.enabled || ca.is_some() || config.tls.insecure_skip_verify,
            ca: ca.map(Secret::Text),
            server_name: config.tls.server_name,
            insecure_skip_verify: config.tls.insecure_skip_verify,
        },
        address: config.address,
        namespace: config.namespace,
        tq_prefix: config.tq_prefix,
        connection_timeout: config.connection_timeout.unwrap_or(base.connection_timeout),
        keep_alive_time: config.keep_alive_time.unwrap_or(base.keep_alive_time),
        keep_alive_timeout: config.keep_alive_timeout.unwrap_or(base.keep_alive_timeout),
        health_check: None,
        identity: String::new(),
    };
    may_reach(opening, &settings.address)?;
    let client = Client::new(settings).map_err(|error| failure(opening.id().to_string().as_str(), error))?;
    let interval = config.health_check.interval.unwrap_or(Duration::from_secs(30));
    let health_check = config.health_check.enabled.then_some(interval);
    Ok(Opened::service(Arc::new(Server { client, health_check })))
}

/// Refuses a server that the host does not let entries reach. What is no address is refused by the client.
fn may_reach(opening: &Opening<'_>, address: &str) -> Result<(), Failure> {
    let place = address.split_once("://").map_or(address, |(_, place)| place).trim_end_matches('/');
    let Some((name, port)) = place.rsplit_once(':') else { return Ok(()) };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let (Some(host), Ok(port)) = (Host::parse(name), port.parse()) else { return Ok(()) };
    let listed =
        List::parse(&opening.allowed().network).map_err(|error| Failure::invalid(error.to_string()))?;
    Policy::new(Arc::new(listed), None).may_delegate(&Target { host, port }).map_err(|refusal| {
        Failure::new(Kind::PermissionDenied, format!("{}: address: `{address}`: {refusal}", opening.id()))
    })
}

pub(super) fn failure(entry: &str, error: TemporalError) -> Failure {
    let failure = WorkflowError::from(error).into_failure();
    Failure { message: format!("{entry}: {}", failure.message), ..failure }
}

impl Service for Server {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let client = self.client.clone();
        async move { client.ready().await.map_err(|error| WorkflowError::from(error).into_failure()) }.boxed()
    }

    fn ended(&self) -> BoxFuture<'static, Ended> {
        let Some(interval) = self.health_check else { return pending().boxed() };
        let client = self.client.clone();
        async move {
            loop {
                tokio::time::sleep(interval).await;
                if let Err(error) = client.check().await {
                    return Ended::Failed(WorkflowError::from(error).into_failure());
                }
            }
        }
        .boxed()
    }

    fn address(&self) -> Option<String> {
        let settings = self.client.settings();
        Some(format!("{} ({})", settings.address, settings.namespace))
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        futures_util::future::ready(()).boxed()
    }
}
