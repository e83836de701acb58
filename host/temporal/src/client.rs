//! The connection to a server: made when it is first needed, and again after it failed.

use crate::error::{Asked, sources};
use crate::settings::{Auth, ClientSettings};
use crate::{TemporalError, tls};
use std::sync::Arc;
use std::time::Duration;
use temporalio_client::errors::ClientConnectError;
use temporalio_client::grpc::WorkflowService;
use temporalio_client::{
    ClientKeepAliveOptions, ClientTlsOptions, Connection, ConnectionOptions, TlsOptions,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::Request;

/// The wait after a first failed attempt.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait: a server that comes back is found within this.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long one request may take that the server answers at once.
pub(crate) const REQUEST: Duration = Duration::from_secs(10);

/// A server and a namespace on it. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: ClientSettings,
    identity: String,
    connection: OnceCell<Connection>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has not connected yet.
    ///
    /// # Errors
    ///
    /// As [`ClientSettings::check`].
    pub fn new(settings: ClientSettings) -> Result<Self, TemporalError> {
        settings.check()?;
        let identity = if settings.identity.is_empty() {
            format!("perilune-{}-{}", std::process::id(), uuid::Uuid::new_v4().simple())
        } else {
            settings.identity.clone()
        };
        Ok(Client(Arc::new(Inner { settings, identity, connection: OnceCell::new() })))
    }

    /// What it was made from.
    pub fn settings(&self) -> &ClientSettings {
        &self.0.settings
    }

    pub(crate) fn identity(&self) -> &str {
        &self.0.identity
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.0.settings.namespace
    }

    /// For messages about a request.
    pub(crate) fn asked<'a>(&'a self, about: &'a str) -> Asked<'a> {
        Asked { address: &self.0.settings.address, namespace: self.namespace(), about }
    }

    pub(crate) async fn service(&self) -> Result<Box<dyn WorkflowService>, TemporalError> {
        Ok(self.connection().await?.workflow_service())
    }

    /// The connection. Tries as long as a connection may take, unless the server says no.
    pub(crate) async fn connection(&self) -> Result<Connection, TemporalError> {
        let deadline = Instant::now() + self.0.settings.connection_timeout;
        let connect = || async {
            let mut wait = FIRST_WAIT;
            loop {
                match self.attempt(deadline).await {
                    Err(error) if error.is_temporary() && Instant::now() + wait < deadline => {
                        sleep(wait).await;
                        wait = (wait * 2).min(LONGEST_WAIT);
                    }
                    done => return done,
                }
            }
        };
        self.0.connection.get_or_try_init(connect).await.cloned()
    }

    /// Waits until the server and the namespace are there, and says in the log what it waits for.
    ///
    /// # Errors
    ///
    /// What waiting cannot help: settings, credentials, a namespace that is missing.
    pub async fn ready(&self) -> Result<(), TemporalError> {
        let mut wait = FIRST_WAIT;
        loop {
            match self.check().await {
                Err(error) if error.is_temporary() => {
                    tracing::warn!(
                        code = error.code(),
                        retry_in = ?wait,
                        "waiting for the Temporal server: {error}"
                    );
                    sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                done => return done,
            }
        }
    }

    /// Asks whether the server and the namespace are there.
    ///
    /// # Errors
    ///
    /// Why they are not.
    pub async fn check(&self) -> Result<(), TemporalError> {
        let mut service = self.service().await?;
        let mut request = Request::new(DescribeNamespaceRequest {
            namespace: self.namespace().to_owned(),
            ..DescribeNamespaceRequest::default()
        });
        request.set_timeout(REQUEST);
        let asked = self.asked("namespace");
        service.describe_namespace(request).await.map(drop).map_err(|status| {
            asked.connection_error(&status).unwrap_or_else(|| match status.code() {
                tonic::Code::NotFound => TemporalError::Namespace {
                    address: self.0.settings.address.clone(),
                    namespace: self.namespace().to_owned(),
                },
                _ => TemporalError::Unavailable {
                    address: self.0.settings.address.clone(),
                    message: status.message().to_owned(),
                },
            })
        })
    }

    async fn attempt(&self, deadline: Instant) -> Result<Connection, TemporalError> {
        let address = || self.0.settings.address.clone();
        match timeout_at(deadline, Connection::connect(self.options()?)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.connect_error(error)),
            Err(_) => Err(TemporalError::Unavailable {
                address: address(),
                message: format!("no answer within {:?}", self.0.settings.connection_timeout),
            }),
        }
    }

    fn connect_error(&self, error: ClientConnectError) -> TemporalError {
        let address = self.0.settings.address.clone();
        match error {
            ClientConnectError::SystemInfoCallError(status) => {
                self.asked("server").connection_error(&status).unwrap_or_else(|| TemporalError::Unavailable {
                    address,
                    message: status.message().to_owned(),
                })
            }
            ClientConnectError::TonicTransportError(error) => {
                let message = sources(&error);
                if tls::is_refusal(&message) {
                    TemporalError::Credentials { address, message }
                } else {
                    TemporalError::Unavailable { address, message }
                }
            }
            ClientConnectError::DnsResolutionError { host, source } => {
                TemporalError::Unavailable { address, message: format!("cannot find `{host}`: {source}") }
            }
            other => TemporalError::Setting { field: "address", message: other.to_string() },
        }
    }

    fn options(&self) -> Result<ConnectionOptions, TemporalError> {
        let settings = &self.0.settings;
        let api_key = match &settings.auth {
            Auth::ApiKey(key) => Some(key.read("auth.api_key")?.trim().to_owned()),
            Auth::None | Auth::Mtls { .. } => None,
        };
        Ok(ConnectionOptions::new(settings.url()?)
            .identity(self.0.identity.clone())
            .client_name("perilune")
            .client_version(env!("CARGO_PKG_VERSION"))
            .connect_timeout(settings.connection_timeout)
            .keep_alive(Some(
                ClientKeepAliveOptions::builder()
                    .interval(settings.keep_alive_time)
                    .timeout(settings.keep_alive_timeout)
                    .build(),
            ))
            .maybe_api_key(api_key)
            .maybe_tls_options(self.tls()?)
            .build())
    }

    fn tls(&self) -> Result<Option<TlsOptions>, TemporalError> {
        let settings = &self.0.settings;
        if !settings.encrypted() {
            return Ok(None);
        }
        let client = match &settings.auth {
            Auth::Mtls { certificate, key } => Some(
                ClientTlsOptions::builder()
                    .client_cert(certificate.read("auth.cert_file")?.into_bytes())
                    .client_private_key(key.read("auth.key_file")?.into_bytes())
                    .build(),
            ),
            Auth::None | Auth::ApiKey(_) => None,
        };
        let ca = settings.tls.ca.as_ref().map(|ca| ca.read("tls.ca_file")).transpose()?;
        let verifier = settings.tls.insecure_skip_verify.then(tls::anybody);
        Ok(Some(
            TlsOptions::builder()
                .maybe_server_root_ca_cert(ca.map(String::into_bytes))
                .maybe_domain(settings.tls.server_name.clone())
                .maybe_client_tls_options(client)
                .maybe_server_cert_verifier(verifier)
                .build(),
        ))
    }
}
