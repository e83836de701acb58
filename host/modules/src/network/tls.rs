//! Whose certificates are believed.

use super::options::Options;
use perilune_value::{Failure, Value};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::sync::{Arc, LazyLock};

/// What an entry says about TLS. Certificates and keys are PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsOptions {
    /// Certificates that show who the client is, its own first.
    cert: Option<String>,
    /// The private key of the first.
    key: Option<String>,
    /// Who is believed instead of the authorities of the web.
    ca: Option<String>,
    /// Whom the server's certificate must name, instead of the URL's host.
    server_name: Option<String>,
    /// Whether any certificate will do.
    pub(crate) is_insecure: bool,
}

impl TlsOptions {
    /// Reads the option `tls`.
    ///
    /// # Errors
    ///
    /// `Invalid` with the field.
    pub(crate) fn read(value: Value) -> Result<Self, Failure> {
        let mut options = Options::of(value)?;
        let read = TlsOptions {
            cert: options.text("cert")?,
            key: options.text("key")?,
            ca: options.text("ca")?,
            server_name: options.text("server_name")?,
            is_insecure: options.boolean("insecure_skip_verify")?,
        };
        options.finish()?;
        Ok(read)
    }

    /// What holds for another server than the one that the options were given for: it is not told who the client is, and must
    /// show who it is itself.
    pub(crate) fn for_others(&self) -> TlsOptions {
        TlsOptions { ca: self.ca.clone(), ..TlsOptions::default() }
    }

    /// Settings for connections that offer these protocols.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no certificate, key or name.
    pub(crate) fn config(&self, protocols: &[&[u8]]) -> Result<ClientConfig, Failure> {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::internal(format!("no TLS: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| {
                    Failure::invalid(format!("option `tls.key` is no private key in PEM: {error}"))
                })?;
                builder.with_client_auth_cert(certificates("tls.cert", cert)?, key).map_err(|error| {
                    Failure::invalid(format!("option `tls.cert` does not fit `tls.key`: {error}"))
                })?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => return Err(Failure::invalid("options `tls.cert` and `tls.key` belong together: give both")),
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
        if self.is_insecure {
            return Ok(Arc::new(Anyone(provider.clone())));
        }
        let roots = match &self.ca {
            None => AUTHORITIES.clone(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates("tls.ca", ca)? {
                    roots.add(certificate).map_err(|error| {
                        Failure::invalid(format!(
                            "option `tls.ca` holds a certificate that cannot be used: {error}"
                        ))
                    })?;
                }
                Arc::new(roots)
            }
        };
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| Failure::internal(format!("no TLS: {error}")))?;
        let Some(name) = &self.server_name else { return Ok(verifier) };
        let name = ServerName::try_from(name.clone())
            .map_err(|_| Failure::invalid(format!("option `tls.server_name`: `{name}` is no host name")))?;
        Ok(Arc::new(Named { verifier, name }))
    }
}

/// The authorities of the web, as Mozilla keeps them. The system's own are not asked: an entry behaves alike on every machine.
static AUTHORITIES: LazyLock<Arc<RootCertStore>> =
    LazyLock::new(|| Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }));

fn certificates(option: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Failure::invalid(format!("option `{option}` holds no certificate in PEM"))),
    }
}

/// Asks for a certificate of another name than the one that was connected to.
#[derive(Debug)]
struct Named {
    verifier: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier.verify_server_cert(end_entity, intermediates, &self.name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Believes any certificate. The handshake itself must still be right: whoever has the certificate has its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// What TLS says, where that can be said in plainer words.
pub(crate) fn explained(reason: String) -> String {
    match reason.as_str() {
        "received corrupt message of type InvalidContentType" => "its port does not speak TLS".to_owned(),
        _ => reason,
    }
}
