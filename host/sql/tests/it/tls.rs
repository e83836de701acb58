//! Encrypted connections: what is asked for is not gone without.

use crate::support::{Db, open, server};
use perilune_resource::Allowed;
use perilune_value::{Failure, Kind, Value};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The authority that signed the certificate of the MariaDB that the test command starts.
const CA: &str = include_str!("../../../http/tests/server/certificates/ca.pem");
/// Another one.
const STRANGER: &str = include_str!("../../../http/tests/server/certificates/stranger.pem");

fn options(pairs: &[(&str, &str)]) -> (&'static str, Value) {
    ("options", pairs.iter().map(|(name, value)| (*name, Value::from(*value))).collect())
}

fn mysql(pairs: &[(&str, &str)]) -> Option<Db> {
    server("PERILUNE_TEST_MYSQL", "db.sql.mysql", &[options(pairs)])
}

/// What opening an entry with these options is refused for.
fn refusal(kind: &str, pairs: &[(&str, &str)]) -> Failure {
    let fields = [
        ("host", Value::from("db.example.com")),
        ("port", Value::Integer(1)),
        ("database", Value::from("shop")),
        ("username", Value::from("shop")),
        ("password", Value::from("secret")),
        options(pairs),
    ];
    let allowed = Allowed { network: vec!["db.example.com".to_owned()], ..Allowed::default() };
    open(kind, &fields, Path::new("."), allowed).map(drop).expect_err("it is refused")
}

#[test]
fn options_of_encryption_are_checked_when_the_database_is_opened() {
    for kind in ["db.sql.postgres", "db.sql.mysql"] {
        for (pairs, said) in [
            (&[("sslmode", "prefer")][..], "options.sslmode: `prefer` is none of disable, require"),
            (
                &[("sslmode", "require"), ("sslrootcert", "/etc/ca.pem")],
                "options.sslrootcert: there is no certificate",
            ),
            (
                &[
                    ("sslmode", "require"),
                    ("sslrootcert", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                ],
                "options.sslrootcert: ",
            ),
        ] {
            let failure = refusal(kind, pairs);
            assert!(failure.kind == Kind::Invalid && failure.message.contains(said), "{kind}: {failure}");
        }
    }
    for name in ["tls", "ssl_mode"] {
        let failure = refusal("db.sql.mysql", &[(name, "true")]);
        assert!(failure.message.contains("encryption is `sslmode`"), "{failure}");
    }
}

#[tokio::test]
async fn mysql_is_spoken_encrypted_with_a_server_that_proves_who_it_is() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let Some(db) = mysql(&[("sslmode", mode), ("sslrootcert", CA)]) else { return };
        let cipher = db.query("SHOW STATUS LIKE 'Ssl_cipher'", &[]).await.expect("it connects");
        let cipher = cipher[0].get("Value").and_then(Value::as_str).unwrap_or_default().to_owned();
        assert!(cipher.contains("_"), "{mode}: {cipher:?}");
    }
    let Some(db) = mysql(&[("sslmode", "disable")]) else { return };
    let cipher = db.query("SHOW STATUS LIKE 'Ssl_cipher'", &[]).await.expect("it connects");
    assert_eq!(cipher[0].get("Value"), Some(&Value::from("")));
}

#[tokio::test]
async fn mysql_is_not_spoken_with_a_server_that_nobody_vouches_for() {
    for pairs in [&[("sslmode", "require")][..], &[("sslmode", "require"), ("sslrootcert", STRANGER)]] {
        let Some(db) = mysql(pairs) else { return };
        let failure = db.query("SELECT 1", &[]).await.expect_err("it is refused");
        assert_eq!(failure.kind, Kind::Unavailable, "{failure}");
        assert!(failure.message.contains("certificate"), "{failure}");
    }
}

/// What a server says first that has no encryption: protocol 10, and the capabilities that every client needs.
fn greeting() -> Vec<u8> {
    let mut packet = b"\x0a8.0.0\0\x01\0\0\x0012345678\0".to_vec();
    packet.extend([0x08, 0x82, 45, 2, 0, 0x08, 0x00, 21]);
    packet.extend([0; 10]);
    packet.extend(b"123456789012\0mysql_native_password\0");
    let length = u8::try_from(packet.len()).expect("it is short");
    [vec![length, 0, 0, 0], packet].concat()
}

#[tokio::test]
async fn a_mysql_server_without_encryption_learns_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        stream.write_all(&greeting()).await.expect("it listens");
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        heard
    });
    let fields = [
        ("host", Value::from("127.0.0.1")),
        ("port", Value::Integer(port.into())),
        ("database", Value::from("shop")),
        ("username", Value::from("shop")),
        ("password", Value::from("secret")),
        options(&[("sslmode", "require"), ("sslrootcert", CA)]),
    ];
    let allowed = Allowed { network: vec!["127.0.0.1".to_owned()], ..Allowed::default() };
    let database = open("db.sql.mysql", &fields, Path::new("."), allowed).expect("it opens");
    let failure = database.execute("SELECT 1", Vec::new()).await.expect_err("it is refused");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Unavailable, "MySQL: `options.sslmode` asks for encryption, and the server offers none")
    );
    drop(database);
    let heard = heard.await.expect("the server ends");
    assert!(!String::from_utf8_lossy(&heard).contains("shop"), "{heard:?}");
}
