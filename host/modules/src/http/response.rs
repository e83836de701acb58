//! Writing: quickly where there is room, and never more at once than is quick.

use super::QUICK;
use super::request::Held;
use crate::bindings::http::{Transfer as WitTransfer, Written};
use perilune_cell::Reservation;
use perilune_http::{Reply, Transfer};
use perilune_resource::in_proportion;
use perilune_value::{Failure, Kind, json};
use std::sync::Arc;

pub(super) fn transfer(mode: WitTransfer) -> Transfer {
    match mode {
        WitTransfer::Chunked => Transfer::Chunked,
        WitTransfer::Sse => Transfer::Events,
    }
}

fn done(is_done: bool) -> Written {
    if is_done { Written::Done } else { Written::Full }
}

pub(super) fn write(reply: &Reply, data: &[u8], is_json: bool) -> Result<Written, Failure> {
    if data.len() > perilune_http::BUFFERED {
        return Err(Failure::invalid("more than 64 KiB are written piece by piece"));
    }
    let written = match is_json {
        true => reply.write_json(data),
        false => reply.write(data),
    };
    written.map(done)
}

pub(super) fn write_json(reply: &Reply, value: &[u8]) -> Result<Written, Failure> {
    if value.len() > QUICK {
        return Ok(Written::Large);
    }
    reply.write_json(text(value)?.as_bytes()).map(done)
}

pub(super) fn write_event(reply: &Reply, name: &[u8], data: &[u8]) -> Result<Written, Failure> {
    let name =
        std::str::from_utf8(name).map_err(|_| Failure::invalid("the name of an event is not valid UTF-8"))?;
    if data.len() > QUICK {
        return Ok(Written::Large);
    }
    reply.write_event(name, &text(data)?).map(done)
}

fn text(value: &[u8]) -> Result<String, Failure> {
    json::encode_from_msgpack(value).map_err(|failure| Failure { kind: Kind::Invalid, ..failure })
}

/// JSON text of a value that is counted as long as it is there.
pub(super) async fn encode(
    value: Vec<u8>,
    reserved: Reservation,
    held: &Arc<perilune_cell::Held>,
) -> Result<Held, Failure> {
    let written = in_proportion(value.len(), move || {
        let _reserved = reserved;
        text(&value)
    });
    Held::new(written.await?.into_bytes(), held)
}
