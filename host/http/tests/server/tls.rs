//! Encrypted connections.

use crate::support::{Site, endpoint, function, within};
use perilune_value::Value;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const CA: &str = include_str!("certificates/ca.pem");
const SERVER: (&str, &str) =
    (include_str!("certificates/server.pem"), include_str!("certificates/server.key"));
const CLIENT: (&str, &str) =
    (include_str!("certificates/client.pem"), include_str!("certificates/client.key"));
const STRANGER: (&str, &str) =
    (include_str!("certificates/stranger.pem"), include_str!("certificates/stranger.key"));

/// A site that is encrypted, with these further fields of `tls`.
async fn site(fields: &str) -> Site {
    let quoted = |pem: &str| format!("\"{}\"", pem.replace('\n', "\\n"));
    let (cert, key) = SERVER;
    let line = |line: &str| line.to_owned();
    let lines = [
        format!(
            "{{name: web, kind: http.service, addr: '127.0.0.1:0', limits: {{header_timeout: 500ms}}, \
             tls: {{mode: manual, cert: {}, key: {}, client_ca: {}{fields}}}}}",
            quoted(cert),
            quoted(key),
            quoted(CA)
        ),
        line("{name: api, kind: http.router, meta: {server: web}}"),
        endpoint("GET", "/a", "f"),
    ];
    let f = function("f", |exchange| async move { Ok(Value::from(exchange.host())) });
    Site::of(&lines, [f]).await.expect("it starts")
}

/// What a client with this certificate is answered, if at all.
async fn ask(site: &Site, identity: Option<(&str, &str)>, protocol: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CA.as_bytes()).expect("a certificate")).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("they fit")
        }
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(site.address).await.expect("the server accepts");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    let protocol = stream.get_ref().1.alpn_protocol().unwrap_or_default().to_vec();
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.ok()?;
    Some((answer, protocol))
}

#[tokio::test]
async fn requests_are_answered_over_tls() {
    let site = site("").await;
    let (answer, protocol) = ask(&site, None, b"http/1.1").await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\"test\""), "{answer}");
    assert_eq!(protocol, b"http/1.1");
    assert!(perilune_resource::Service::address(&*site.service).expect("it runs").starts_with("https://"));
}

#[tokio::test]
async fn clients_certificates_are_asked_for_as_the_entry_says() {
    for (mode, [none, client, stranger]) in [
        ("request", [true, true, true]),
        ("require_any", [false, true, true]),
        ("verify_if_given", [true, true, false]),
        ("require_and_verify", [false, true, false]),
    ] {
        let site = site(&format!(", client_auth: {mode}")).await;
        for (identity, works) in [(None, none), (Some(CLIENT), client), (Some(STRANGER), stranger)] {
            assert_eq!(
                ask(&site, identity, b"http/1.1").await.is_some(),
                works,
                "{mode} {}",
                identity.is_some()
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_encrypted_is_not_answered() {
    let site = site("").await;
    let mut plain = site.connect().await;
    plain.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert!(!String::from_utf8_lossy(&plain.rest().await).contains("HTTP/1.1"));
    // A handshake that never begins ends in time.
    assert_eq!(site.connect().await.rest().await, b"");
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_with_its_field() {
    for (cert, key, field) in
        [("x", SERVER.1, "tls.cert"), (SERVER.0, "x", "tls.key"), (SERVER.0, CLIENT.1, "tls.cert")]
    {
        let quoted = |pem: &str| format!("\"{}\"", pem.replace('\n', "\\n"));
        let line = format!(
            "{{name: web, kind: http.service, addr: ':0', tls: {{mode: manual, cert: {}, key: {}}}}}",
            quoted(cert),
            quoted(key)
        );
        let failure = Site::of(&[line], []).await.err().expect("it does not start");
        assert!(failure.message.contains(field), "{failure}");
        if key == CLIENT.1 {
            assert_eq!(
                failure.message,
                "app:web: field `tls.cert`: certificate and key do not fit: keys may not be consistent: KeyMismatch"
            );
        }
    }
}
