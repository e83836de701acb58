//! Module `uuid`. Time and randomness are parameters: a workflow takes them from its history.

use crate::bindings::{Answer, answer, uuid as wit};
use crate::durable::Randomness;
use perilune_cell::{CellState, Class, Module};
use perilune_value::Failure;
use uuid::{Builder, Timestamp, Uuid, Variant};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "uuid",
    summary: "UUIDs: made, read, shown.",
    classes: &[Class::Workflow, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What a UUID says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// 0 to 15; RFC 9562 gives meaning to 1 to 8.
    pub version: u8,
    /// `RFC4122`, `Microsoft`, `Reserved` or `Future`.
    pub variant: &'static str,
    /// Unix seconds, of versions 1, 6 and 7.
    pub timestamp: Option<i64>,
    /// The node that made it, of versions 1 and 6.
    pub node: Option<[u8; 6]>,
}

/// Version 1 from Unix time and randomness; the node is random too and marked as such.
pub fn v1(seconds: u64, nanoseconds: u32, random: [u8; 8]) -> Uuid {
    let [first, second, mut node @ ..] = random;
    // The multicast bit says that this is no network card's address (RFC 9562, 6.10).
    node[0] |= 1;
    let ticks =
        Timestamp::from_unix_time(seconds, nanoseconds, u16::from_be_bytes([first, second]).into(), 14);
    Uuid::new_v1(ticks, &node)
}

/// Version 4: randomness alone.
pub fn v4(random: [u8; 16]) -> Uuid {
    Builder::from_random_bytes(random).into_uuid()
}

/// Version 7 from Unix time in milliseconds and randomness.
pub fn v7(milliseconds: u64, random: [u8; 10]) -> Uuid {
    Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
}

/// Version 3: MD5 of a name in a namespace.
///
/// # Errors
///
/// Kind `Invalid` when the namespace is no UUID.
pub fn v3(namespace: &[u8], name: &[u8]) -> Result<Uuid, Failure> {
    read(namespace).map(|namespace| Uuid::new_v3(&namespace, name))
}

/// Version 5: SHA-1 of a name in a namespace.
///
/// # Errors
///
/// As [`v3`].
pub fn v5(namespace: &[u8], name: &[u8]) -> Result<Uuid, Failure> {
    read(namespace).map(|namespace| Uuid::new_v5(&namespace, name))
}

/// Reads a UUID with or without hyphens, in braces, or as a URN.
///
/// # Errors
///
/// Kind `Invalid`.
pub fn read(text: &[u8]) -> Result<Uuid, Failure> {
    Uuid::try_parse_ascii(text).map_err(|error| Failure::invalid(format!("not a UUID: {error}")))
}

/// Everything that a UUID says about itself.
///
/// # Errors
///
/// Kind `Invalid` for text that is no UUID.
pub fn parse(text: &[u8]) -> Result<Parsed, Failure> {
    let uuid = read(text)?;
    let variant = match uuid.get_variant() {
        Variant::RFC4122 => "RFC4122",
        Variant::Microsoft => "Microsoft",
        Variant::NCS => "Reserved",
        _ => "Future",
    };
    let timestamp = uuid.get_timestamp().and_then(|time| i64::try_from(time.to_unix().0).ok());
    let version = u8::try_from(uuid.get_version_num()).expect("invariant: a version has four bits");
    Ok(Parsed { version, variant, timestamp, node: uuid.get_node_id() })
}

/// Writes a UUID in a style: `standard`, `simple` or `urn`.
///
/// # Errors
///
/// Kind `Invalid` for text that is no UUID and for any other style.
pub fn format(text: &[u8], style: &[u8]) -> Result<String, Failure> {
    let uuid = read(text)?;
    match style {
        b"standard" => Ok(uuid.hyphenated().to_string()),
        b"simple" => Ok(uuid.simple().to_string()),
        b"urn" => Ok(uuid.urn().to_string()),
        _ => Err(Failure::invalid("unknown UUID style; known are standard, simple and urn")),
    }
}

impl wit::Host for CellState {
    fn v1(&mut self) -> wasmtime::Result<String> {
        let now = self.host.now();
        let seconds = u64::try_from(now.seconds()).unwrap_or_default();
        Ok(v1(seconds, now.nanoseconds(), Randomness::of(self).bytes()).to_string())
    }

    fn v4(&mut self) -> wasmtime::Result<String> {
        Ok(v4(Randomness::of(self).bytes()).to_string())
    }

    fn v7(&mut self) -> wasmtime::Result<String> {
        let now = self.host.now();
        let seconds = u64::try_from(now.seconds()).unwrap_or_default();
        let milliseconds =
            seconds.saturating_mul(1000).saturating_add((now.nanoseconds() / 1_000_000).into());
        Ok(v7(milliseconds, Randomness::of(self).bytes()).to_string())
    }

    fn v3(&mut self, namespace: Vec<u8>, name: Vec<u8>) -> Answer<String> {
        answer(v3(&namespace, &name).map(|uuid| uuid.to_string()))
    }

    fn v5(&mut self, namespace: Vec<u8>, name: Vec<u8>) -> Answer<String> {
        answer(v5(&namespace, &name).map(|uuid| uuid.to_string()))
    }

    fn validate(&mut self, text: Vec<u8>) -> wasmtime::Result<bool> {
        Ok(read(&text).is_ok())
    }

    fn version(&mut self, text: Vec<u8>) -> Answer<u8> {
        answer(parse(&text).map(|parsed| parsed.version))
    }

    fn variant(&mut self, text: Vec<u8>) -> Answer<String> {
        answer(parse(&text).map(|parsed| parsed.variant.to_owned()))
    }

    fn parse(&mut self, text: Vec<u8>) -> Answer<wit::Parsed> {
        answer(parse(&text).map(|Parsed { version, variant, timestamp, node }| wit::Parsed {
            version,
            variant: variant.to_owned(),
            timestamp,
            node: node.map(Vec::from),
        }))
    }

    fn format(&mut self, text: Vec<u8>, style: Vec<u8>) -> Answer<String> {
        answer(format(&text, &style))
    }
}
