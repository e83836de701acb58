//! Columns as values. The server sends them in the binary form of their types.

use super::numeric;
use crate::moment;
use crate::rows::Encoder;
use perilune_value::{Failure, Value};
use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

/// Writes a row.
pub(super) fn encode(encoder: &mut Encoder<'_>, row: &Row) -> Result<(), Failure> {
    for (index, column) in row.columns().iter().enumerate() {
        let raw: Option<Raw<'_>> =
            row.try_get(index).map_err(|problem| Failure::internal(problem.to_string()))?;
        let Some(Raw(bytes)) = raw else {
            encoder.null();
            continue;
        };
        match value(column.type_(), bytes) {
            Some(value) => encoder.value(&value),
            None => {
                let (name, ty) = (column.name(), column.type_().name());
                return Err(Failure::invalid(format!(
                    "column `{name}` is a {ty}, which has no form in Lua; write `{name}::text`, for example"
                )));
            }
        }
    }
    Ok(())
}

/// A column's bytes.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(bytes))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The value of a type; `None` for types without a form in Lua, and for bytes that are not as the type has them.
fn value(ty: &Type, bytes: &[u8]) -> Option<Value> {
    match ty.kind() {
        Kind::Domain(inner) => return value(inner, bytes),
        Kind::Array(item) => return array(item, bytes),
        Kind::Enum(_) => return Some(Value::from(bytes)),
        _ => {}
    }
    Some(match *ty {
        Type::BOOL => Value::Bool(*bytes.first()? != 0),
        Type::INT2 => Value::Integer(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::INT4 => Value::Integer(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::INT8 => Value::Integer(integer(bytes)?),
        Type::OID => Value::Integer(u32::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::FLOAT4 => Value::Float(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::FLOAT8 => Value::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        Type::NUMERIC => Value::from(numeric::show(bytes)?),
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::CHAR
        | Type::UNKNOWN
        | Type::BYTEA
        | Type::JSON
        | Type::XML => Value::from(bytes),
        // A version goes before the text.
        Type::JSONB => Value::from(bytes.strip_prefix(&[1])?),
        Type::UUID => Value::from(uuid(bytes)?),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => Value::from(timestamp(integer(bytes)?)?),
        Type::DATE => Value::from(date(i32::from_be_bytes(bytes.try_into().ok()?))?),
        Type::TIME => Value::from(moment::clock(integer(bytes)?)),
        Type::INTERVAL => Value::from(interval(bytes)?),
        Type::INET | Type::CIDR => Value::from(address(bytes)?),
        Type::VOID => Value::Nil,
        // Types of extensions, known by name.
        _ => match ty.name() {
            "citext" => Value::from(bytes),
            _ => return None,
        },
    })
}

fn integer(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}

/// Dimensions that an array has at most.
const DIMENSIONS: usize = 6;

fn array(item: &Type, bytes: &[u8]) -> Option<Value> {
    let (head, mut rest) = bytes.split_at_checked(12)?;
    let dimensions = usize::try_from(i32::from_be_bytes(head[..4].try_into().ok()?)).ok()?;
    if dimensions > DIMENSIONS {
        return None;
    }
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        let (length, after) = rest.split_at_checked(8)?;
        lengths.push(usize::try_from(i32::from_be_bytes(length[..4].try_into().ok()?)).ok()?);
        rest = after;
    }
    match lengths.is_empty() {
        true => Some(Value::Array(Vec::new())),
        false => items(item, &lengths, &mut rest),
    }
}

fn items(item: &Type, lengths: &[usize], rest: &mut &[u8]) -> Option<Value> {
    let (length, inner) = lengths.split_first()?;
    let mut values = Vec::new();
    for _ in 0..*length {
        values.push(match inner.is_empty() {
            false => items(item, inner, rest)?,
            true => {
                let (size, after) = rest.split_at_checked(4)?;
                let size = i32::from_be_bytes(size.try_into().ok()?);
                let (bytes, after) = after.split_at_checked(usize::try_from(size).unwrap_or_default())?;
                *rest = after;
                if size < 0 { Value::Nil } else { value(item, bytes)? }
            }
        });
    }
    Some(Value::Array(values))
}

/// 2000-01-01 in Unix time.
const EPOCH_DAYS: i128 = 10_957;
const DAY: i128 = 86_400_000_000;

fn timestamp(micros: i64) -> Option<String> {
    match micros {
        i64::MAX => Some("infinity".to_owned()),
        i64::MIN => Some("-infinity".to_owned()),
        _ => moment::from_micros(i128::from(micros) + EPOCH_DAYS * DAY),
    }
}

fn date(days: i32) -> Option<String> {
    match days {
        i32::MAX => Some("infinity".to_owned()),
        i32::MIN => Some("-infinity".to_owned()),
        _ => moment::from_micros((i128::from(days) + EPOCH_DAYS) * DAY),
    }
}

/// As PostgreSQL writes it: `1 mons -2 days 03:04:05`.
fn interval(bytes: &[u8]) -> Option<String> {
    let (micros, rest) = bytes.split_at_checked(8)?;
    let (days, months) = rest.split_at_checked(4)?;
    let days = i32::from_be_bytes(days.try_into().ok()?);
    let months = i32::from_be_bytes(months.try_into().ok()?);
    let mut words = Vec::new();
    for (count, unit) in [(months / 12, "years"), (months % 12, "mons"), (days, "days")] {
        if count != 0 {
            words.push(format!("{count} {unit}"));
        }
    }
    let micros = integer(micros)?;
    if micros != 0 || words.is_empty() {
        words.push(moment::clock(micros));
    }
    Some(words.join(" "))
}

fn uuid(bytes: &[u8]) -> Option<String> {
    let digits = format!("{:032x}", u128::from_be_bytes(bytes.try_into().ok()?));
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Some(parts.join("-"))
}

/// An address, with the length of its network's prefix where that is not all of it.
fn address(bytes: &[u8]) -> Option<String> {
    let (head, octets) = bytes.split_at_checked(4)?;
    let (shown, whole) = match octets.len() {
        4 => (Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).to_string(), 32),
        16 => (Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).to_string(), 128),
        _ => return None,
    };
    let (prefix, is_network) = (head[1], head[2] != 0);
    Some(if prefix == whole && !is_network { shown } else { format!("{shown}/{prefix}") })
}
