//! What entries say about encrypted connections, the same for every server.

use perilune_value::Failure;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Whether connections are encrypted. Where they are, the server's certificate is always checked: encryption alone protects
/// from nobody who can answer in the server's place.
pub(crate) enum Mode<'a> {
    Off,
    On(Roots<'a>),
}

/// Who vouches for the server.
pub(crate) enum Roots<'a> {
    /// The authorities that browsers trust.
    Public,
    /// Those of an entry.
    Own { pem: &'a str, certificates: Vec<CertificateDer<'static>> },
}

impl<'a> Mode<'a> {
    /// From `options.sslmode`, and `options.sslrootcert`: certificates as PEM text in place of the public ones.
    ///
    /// # Errors
    ///
    /// `Invalid` with the option that cannot be used.
    pub(crate) fn new(mode: Option<&str>, roots: Option<&'a str>) -> Result<Self, Failure> {
        match mode.unwrap_or("disable") {
            "disable" => Ok(Mode::Off),
            "require" | "verify-ca" | "verify-full" => Ok(Mode::On(Roots::new(roots)?)),
            other => Err(Failure::invalid(format!(
                "options.sslmode: `{other}` is none of disable, require, verify-ca, verify-full; all but the first check \
                 the server's certificate"
            ))),
        }
    }
}

impl<'a> Roots<'a> {
    fn new(pem: Option<&'a str>) -> Result<Self, Failure> {
        let Some(pem) = pem else { return Ok(Roots::Public) };
        let refuse = |why: String| {
            Failure::invalid(format!("options.sslrootcert: {why}; write certificates as PEM text"))
        };
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = read.map_err(|problem| refuse(problem.to_string()))?;
        if certificates.is_empty() {
            return Err(refuse("there is no certificate in it".to_owned()));
        }
        let mut store = rustls::RootCertStore::empty();
        for certificate in &certificates {
            store.add(certificate.clone()).map_err(|problem| refuse(problem.to_string()))?;
        }
        Ok(Roots::Own { pem, certificates })
    }
}
