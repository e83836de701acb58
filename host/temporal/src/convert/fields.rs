//! Headers, memo, search attributes.

use super::payload::{from_fields, to_fields, to_payload};
use perilune_value::Value;
use perilune_workflow::{Fields, Signal};
use std::collections::HashMap;
use temporalio_common::protos::temporal::api::common::v1::{Header, Memo, Payload, SearchAttributes};

/// The header that names who sent a signal: the protocol has no field that a workflow could fill.
pub const SENDER_HEADER: &str = "perilune-sender";

pub(crate) fn header(fields: &Fields) -> Option<Header> {
    (!fields.is_empty()).then(|| Header { fields: to_fields(fields) })
}

pub(crate) fn from_header(header: Option<&Header>) -> Fields {
    header.map_or_else(Fields::new, |header| from_fields(&header.fields))
}

pub(crate) fn memo(fields: &Fields) -> Option<Memo> {
    (!fields.is_empty()).then(|| Memo { fields: to_fields(fields) })
}

pub(crate) fn from_memo(memo: Option<&Memo>) -> Fields {
    memo.map_or_else(Fields::new, |memo| from_fields(&memo.fields))
}

pub(crate) fn search_attributes(fields: &Fields) -> Option<SearchAttributes> {
    (!fields.is_empty()).then(|| SearchAttributes {
        indexed_fields: fields.iter().map(|(name, value)| (name.clone(), attribute(value))).collect(),
    })
}

pub(crate) fn from_search_attributes(attributes: Option<&SearchAttributes>) -> Fields {
    attributes.map_or_else(Fields::new, |attributes| from_fields(&attributes.indexed_fields))
}

/// A search attribute says of what type it is. The server goes by the type under which the name is registered where it knows one,
/// so a text under a name that is registered as `Text` or `Datetime` is taken as that.
fn attribute(value: &Value) -> Payload {
    let mut payload = to_payload(value);
    let kind = match value {
        Value::Bool(_) => "Bool",
        Value::Integer(_) => "Int",
        Value::Float(_) => "Double",
        Value::Array(_) => "KeywordList",
        Value::Nil => return payload,
        Value::String(_) | Value::Map(_) | Value::Error(_) => "Keyword",
    };
    payload.metadata.insert("type".to_owned(), kind.as_bytes().to_vec());
    payload
}

/// A signal's headers, its sender among them.
pub(crate) fn signal_headers(signal: &Signal) -> HashMap<String, Payload> {
    let mut headers = to_fields(&signal.headers);
    if let Some(sender) = &signal.sender {
        headers.insert(SENDER_HEADER.to_owned(), to_payload(&Value::from(sender.as_str())));
    }
    headers
}

pub(crate) fn signal(name: String, args: Vec<Value>, headers: &HashMap<String, Payload>) -> Signal {
    let mut headers = from_fields(headers);
    let sender = headers.remove(SENDER_HEADER).and_then(|sender| sender.as_str().map(str::to_owned));
    Signal { name, args, headers, sender }
}
