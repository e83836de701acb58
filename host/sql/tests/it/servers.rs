//! Which servers entries may name.

use crate::support::open;
use perilune_resource::Allowed;
use perilune_value::{Kind, Value};
use std::path::Path;

/// What the host allows, the field `host`, and what becomes of an entry with it.
const SERVERS: &[(&str, &str, Result<(), Kind>)] = &[
    ("db.example.com", "db.example.com", Ok(())),
    ("db.example.com:5432", "DB.example.com.", Ok(())),
    ("10.0.0.0/8", "10.1.2.3", Ok(())),
    ("[::1]:5432", "[::1]", Ok(())),
    ("", "db.example.com", Err(Kind::PermissionDenied)),
    ("db.example.com:1", "db.example.com", Err(Kind::PermissionDenied)),
    // A driver asks for the addresses of a name by itself: nobody would see that they are private.
    ("*", "db.example.com", Err(Kind::PermissionDenied)),
    ("*.example.com", "db.example.com", Err(Kind::PermissionDenied)),
    ("10.0.0.0/8", "db.example.com", Err(Kind::PermissionDenied)),
    ("*", "127.0.0.1", Err(Kind::PermissionDenied)),
    ("*", "169.254.169.254", Err(Kind::PermissionDenied)),
    // Folders with sockets, and several hosts in one.
    ("*", "/var/run/postgresql", Err(Kind::Invalid)),
    ("db.example.com", "db.example.com,evil.example.com", Err(Kind::PermissionDenied)),
    ("*", "a b", Err(Kind::Invalid)),
];

#[tokio::test]
async fn a_server_is_one_that_the_host_names() {
    for kind in ["db.sql.postgres", "db.sql.mysql"] {
        for (allowed, host, expected) in SERVERS {
            let network = allowed.split_whitespace().map(str::to_owned).collect();
            let fields = [
                ("host", Value::from(*host)),
                ("port", Value::Integer(5432)),
                ("database", Value::from("shop")),
                ("username", Value::from("shop")),
                ("password", Value::from("secret")),
            ];
            let opened = open(kind, &fields, Path::new("."), Allowed { network, ..Allowed::default() });
            let found = opened.map(drop).map_err(|failure| failure.kind);
            assert_eq!(found, *expected, "{kind} on {host:?} where {allowed:?} is allowed");
        }
    }
}
