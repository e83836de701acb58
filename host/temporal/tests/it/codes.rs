//! Every reason why there is no connection to a server is pinned: code and text.

use perilune_temporal::TemporalError;
use perilune_workflow::{Code, WorkflowError};
use std::collections::BTreeSet;

/// One of each, with its text.
fn table() -> Vec<(TemporalError, &'static str)> {
    let (address, message) = ("server:7233".to_owned(), "it says no".to_owned());
    vec![
        (
            TemporalError::Setting { field: "address", message: "is empty".to_owned() },
            "[TEMPORAL_SETTING] `address` is empty",
        ),
        (
            TemporalError::Unreadable {
                field: "auth.key_file",
                source_name: "./key.pem".to_owned(),
                message: message.clone(),
            },
            "[TEMPORAL_SETTING] `auth.key_file` names ./key.pem, which cannot be read: it says no",
        ),
        (
            TemporalError::Unavailable { address: address.clone(), message: message.clone() },
            "[TEMPORAL_UNAVAILABLE] no Temporal server answers at server:7233: it says no",
        ),
        (
            TemporalError::Credentials { address: address.clone(), message: message.clone() },
            "[TEMPORAL_CREDENTIALS] server:7233 refuses the connection: it says no; check `auth` and `tls` of the client",
        ),
        (
            TemporalError::Namespace { address, namespace: "orders".to_owned() },
            "[TEMPORAL_NAMESPACE] server:7233 has no namespace `orders`; create it, or set `namespace` of the client",
        ),
        (
            TemporalError::Worker { task_queue: "orders".to_owned(), message },
            "[TEMPORAL_WORKER] the worker for `orders` cannot start: it says no",
        ),
    ]
}

#[test]
fn codes_and_texts_stay() {
    for (error, text) in table() {
        assert_eq!(error.to_string(), text);
        assert!(text.starts_with(&format!("[{}] ", error.code())), "{text}");
        assert_eq!(error.is_temporary(), error.code() == "TEMPORAL_UNAVAILABLE");
        assert_eq!(WorkflowError::from(error).code, Code::StoreUnavailable);
    }
}

#[test]
fn no_code_is_missing_here() {
    let source = include_str!("../../src/error.rs");
    let there: BTreeSet<&str> =
        source.split('"').filter(|text| text.starts_with("TEMPORAL_") && !text.contains(' ')).collect();
    assert_eq!(there, table().iter().map(|(error, _)| error.code()).collect());
}
