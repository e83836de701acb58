//! Encrypted connections. The server speaks in the clear, behind a gate that does not.
//!
//! The certificates are for these tests only; the key of their authority was thrown away.

use crate::support::server::Server;
use crate::support::within;
use futures_util::FutureExt;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use perilune_temporal::{Auth, Client, ClientSettings, Secret, TemporalError, TlsSettings};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/it/certificates", name].iter().collect()
}

/// Takes encrypted connections, from hosts with a certificate only where it says so.
async fn gate<F: Future<Output = ()> + Send + 'static>(
    with_certificate: bool,
    serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
) -> String {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
    let builder = if with_certificate {
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let accepted = acceptor.accept(stream).await;
            if let Ok(stream) = accepted {
                tokio::spawn(serve(stream));
            }
        }
    });
    address
}

/// A gate before a real server.
async fn gate_to(server: &Server, with_certificate: bool) -> String {
    let to = server.address();
    gate(with_certificate, move |mut stream| {
        let to = to.clone();
        async move {
            let mut plain = TcpStream::connect(to).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
        }
    })
    .await
}

fn trusting() -> TlsSettings {
    TlsSettings {
        enabled: true,
        ca: Some(Secret::File(file("ca.pem"))),
        server_name: Some("temporal.test".to_owned()),
        insecure_skip_verify: false,
    }
}

async fn check(address: &str, tls: TlsSettings, auth: Auth) -> Result<(), TemporalError> {
    let settings = ClientSettings {
        tls,
        auth,
        connection_timeout: Duration::from_secs(5),
        ..ClientSettings::new(address)
    };
    within(Client::new(settings).unwrap().check()).await
}

#[tokio::test]
async fn the_servers_certificate_is_checked() {
    let Some(server) = Server::start().await else { return };
    let address = gate_to(&server, false).await;
    check(&address, trusting(), Auth::None).await.unwrap();
    let anybody = TlsSettings { enabled: true, insecure_skip_verify: true, ..TlsSettings::default() };
    check(&address, anybody, Auth::None).await.unwrap();
    let nobody = TlsSettings { ca: None, ..trusting() };
    let error = check(&address, nobody, Auth::None).await.unwrap_err();
    assert!(matches!(&error, TemporalError::Credentials { .. }), "{error}");
    let misnamed = TlsSettings { server_name: Some("other.test".to_owned()), ..trusting() };
    let error = check(&address, misnamed, Auth::None).await.unwrap_err();
    assert!(matches!(&error, TemporalError::Credentials { .. }), "{error}");
}

#[tokio::test]
async fn a_certificate_of_our_own_is_shown() {
    let Some(server) = Server::start().await else { return };
    let address = gate_to(&server, true).await;
    let own = Auth::Mtls {
        certificate: Secret::File(file("client.pem")),
        key: Secret::Text(std::fs::read_to_string(file("client.key")).unwrap()),
    };
    check(&address, trusting(), own).await.unwrap();
    let error = check(&address, trusting(), Auth::None).await.unwrap_err();
    assert!(
        matches!(&error, TemporalError::Credentials { .. } | TemporalError::Unavailable { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_api_key_is_sent_and_its_refusal_is_told() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keys = Arc::clone(&seen);
    // Refuses everybody, as a server does that does not know the key.
    let address = gate(false, move |stream| {
        let keys = Arc::clone(&keys);
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            keys.lock().unwrap().push(request.headers().get("authorization").cloned());
            let response = hyper::Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", "16")
                .header("grpc-message", "unknown key")
                .body(String::new());
            async move { response }
        });
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).map(|_| ())
    })
    .await;
    let key = Auth::ApiKey(Secret::Text("secret\n".to_owned()));
    let error = check(&address, TlsSettings { enabled: false, ..trusting() }, key).await.unwrap_err();
    assert!(matches!(&error, TemporalError::Credentials { .. }), "{error}");
    assert!(error.to_string().contains("unknown key") && !error.to_string().contains("secret"), "{error}");
    assert_eq!(seen.lock().unwrap()[0].as_ref().unwrap(), "Bearer secret");
}
