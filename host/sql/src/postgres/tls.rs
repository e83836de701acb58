//! Encrypted connections.

use crate::tls::{Mode, Roots};
use perilune_value::Failure;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whether connections are encrypted.
pub(super) enum Tls {
    Off,
    On(MakeRustlsConnect),
}

impl Tls {
    /// As an entry says.
    pub(super) fn new(mode: &Mode<'_>) -> Result<Self, Failure> {
        match mode {
            Mode::Off => Ok(Tls::Off),
            Mode::On(roots) => Ok(Tls::On(MakeRustlsConnect::new(config(roots)?))),
        }
    }

    pub(super) fn mode(&self) -> SslMode {
        match self {
            Tls::Off => SslMode::Disable,
            Tls::On(_) => SslMode::Require,
        }
    }

    /// Asks the server to end what a connection does.
    pub(super) async fn cancel(&self, token: CancelToken) -> Result<(), tokio_postgres::Error> {
        match self {
            Tls::Off => token.cancel_query(NoTls).await,
            Tls::On(connector) => token.cancel_query(connector.clone()).await,
        }
    }
}

fn config(roots: &Roots<'_>) -> Result<ClientConfig, Failure> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::Public => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Roots::Own { certificates, .. } => {
            store.add_parsable_certificates(certificates.iter().cloned());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|problem| Failure::internal(problem.to_string()))?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}
