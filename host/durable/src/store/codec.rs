//! Events as bytes.
//!
//! A chunk is a format number, a checksum, and events one after the other as MessagePack with field names: events can get new fields,
//! and recorded histories stay readable for ever. SQLite has no checksums of its own.

use perilune_workflow::Event;
use serde::{Deserialize, Serialize};

/// The form of chunks.
const FORMAT: u8 = 1;
const HEADER: usize = 5;

/// Adds an event to the rest of a chunk.
pub(crate) fn encode(event: &impl Serialize, to: &mut Vec<u8>) {
    // Events have nothing in them that MessagePack could not say, and a vector takes everything.
    if let Err(error) = event.serialize(&mut rmp_serde::Serializer::new(&mut *to).with_struct_map()) {
        debug_assert!(false, "an event that cannot be stored: {error}");
    }
}

/// A chunk of events that were encoded.
pub(super) fn seal(events: &[u8]) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(HEADER + events.len());
    chunk.push(FORMAT);
    chunk.extend(crc32fast::hash(events).to_le_bytes());
    chunk.extend_from_slice(events);
    chunk
}

/// What was encoded into a chunk.
pub(super) fn open(chunk: &[u8]) -> Result<&[u8], String> {
    let (header, events) = chunk.split_at_checked(HEADER).ok_or("a chunk is cut off")?;
    if header[0] != FORMAT {
        return Err(format!("a chunk has format {}", header[0]));
    }
    if crc32fast::hash(events).to_le_bytes() != header[1..] {
        return Err("a checksum is wrong".to_owned());
    }
    Ok(events)
}

/// Reads a chunk.
pub(super) fn decode(chunk: &[u8], events: &mut Vec<Event>) -> Result<(), String> {
    let mut rest = open(chunk)?;
    while !rest.is_empty() {
        let mut reader = rmp_serde::Deserializer::new(&mut rest);
        events.push(Event::deserialize(&mut reader).map_err(|error| error.to_string())?);
    }
    Ok(())
}
