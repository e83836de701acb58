//! Encryption: certificates from the entry's fields, clients' certificates where they are wanted.

use crate::settings::TlsSettings;
use perilune_value::Failure;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What accepts encrypted connections; `None` where the entry wants none.
///
/// # Errors
///
/// `Invalid` with the field that cannot be used.
pub(crate) fn acceptor(settings: Option<&TlsSettings>) -> Result<Option<TlsAcceptor>, Failure> {
    let Some(settings) = settings.filter(|settings| settings.mode == "manual") else { return Ok(None) };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates("cert", &settings.cert)?;
    let key = PrivateKeyDer::from_pem_slice(settings.key.as_bytes())
        .map_err(|error| wrong("key", format!("it holds no private key in PEM: {error}")))?;
    let verifier = verifier(settings, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::internal(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| wrong("cert", format!("certificate and key do not fit: {error}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn wrong(field: &str, message: impl std::fmt::Display) -> Failure {
    Failure::invalid(format!("field `tls.{field}`: {message}"))
}

fn certificates(field: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(wrong(field, "it holds no certificate in PEM")),
        Err(error) => Err(wrong(field, format!("it holds no certificate in PEM: {error}"))),
    }
}

fn verifier(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
    let any = |required| -> Arc<dyn ClientCertVerifier> {
        Arc::new(AnyCertificate { provider: provider.clone(), required })
    };
    let trusted = || {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("client_ca", settings.client_ca.as_deref().unwrap_or_default())? {
            roots.add(certificate).map_err(|error| wrong("client_ca", error))?;
        }
        Ok::<_, Failure>(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()))
    };
    match settings.client_auth.as_deref() {
        None => Ok(WebPkiClientVerifier::no_client_auth()),
        Some("request") => Ok(any(false)),
        Some("require_any") => Ok(any(true)),
        Some("verify_if_given") => {
            trusted()?.allow_unauthenticated().build().map_err(|error| wrong("client_ca", error))
        }
        Some("require_and_verify") => trusted()?.build().map_err(|error| wrong("client_ca", error)),
        Some(other) => Err(wrong("client_auth", format!("there is no `{other}`"))),
    }
}

/// Takes certificates of anybody: they prove that the client has a key, not who it is.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
    required: bool,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
