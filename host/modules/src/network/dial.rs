//! Connections for clients that have no library to make them.

use super::tls::{self, TlsOptions};
use super::{Route, broken};
use perilune_network::{Host, Target};
use perilune_value::Failure;
use rustls_pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection, with TLS or without.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Connects to a target at the first of its addresses that answers.
///
/// # Errors
///
/// `Internal` when none does, or it does not show that it is the target.
pub(crate) async fn connect(
    target: &Target,
    route: &Route,
    with_tls: bool,
) -> Result<Box<dyn Connection>, Failure> {
    let plain = TcpStream::connect(&*route.addresses)
        .await
        .map_err(|error| broken(format!("cannot connect to `{target}`: {error}")))?;
    // Messages are small and are waited for.
    let _ = plain.set_nodelay(true);
    if !with_tls {
        return Ok(Box::new(plain));
    }
    let name = match &target.host {
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| Failure::invalid(format!("`{name}` cannot have a certificate")))?,
        Host::Address(address) => ServerName::from(*address),
    };
    let config = TlsOptions::default().config(&[b"http/1.1"])?;
    let secured = TlsConnector::from(Arc::new(config)).connect(name, plain).await;
    let secured = secured
        .map_err(|error| broken(format!("no TLS with `{target}`: {}", tls::explained(error.to_string()))))?;
    Ok(Box::new(secured))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_name_that_no_certificate_can_hold_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let route = Route { addresses: Arc::new([address]), is_private: true };
        let target = Target { host: Host::Name("a-".to_owned()), port: address.port() };
        let failure = connect(&target, &route, true).await.map(drop).expect_err("no such certificate");
        assert_eq!(failure.message, "`a-` cannot have a certificate");
    }
}
