//! Encrypted connections.

use perilune_value::Failure;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::sync::Arc;
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whether connections are encrypted. Where they are, the server's certificate is always checked: encryption alone protects
/// from nobody who can answer in the server's place.
pub(super) enum Tls {
    Off,
    On(MakeRustlsConnect),
}

impl Tls {
    /// From `options.sslmode`, and `options.sslrootcert`: certificates as PEM text in place of the public ones.
    pub(super) fn new(mode: Option<&str>, roots: Option<&str>) -> Result<Self, Failure> {
        match mode.unwrap_or("disable") {
            "disable" => Ok(Tls::Off),
            "require" | "verify-ca" | "verify-full" => Ok(Tls::On(MakeRustlsConnect::new(config(roots)?))),
            other => Err(Failure::invalid(format!(
                "options.sslmode: `{other}` is none of disable, require, verify-ca, verify-full; all but the first check \
                 the server's certificate"
            ))),
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

fn config(roots: Option<&str>) -> Result<ClientConfig, Failure> {
    let mut store = RootCertStore::empty();
    match roots {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(text) => {
            let refuse = |why: String| {
                Failure::invalid(format!("options.sslrootcert: {why}; write certificates as PEM text"))
            };
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                let certificate = certificate.map_err(|problem| refuse(problem.to_string()))?;
                store.add(certificate).map_err(|problem| refuse(problem.to_string()))?;
            }
            if store.is_empty() {
                return Err(refuse("there is no certificate in it".to_owned()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|problem| Failure::internal(problem.to_string()))?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}
