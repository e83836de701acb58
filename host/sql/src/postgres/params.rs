//! Parameters as the types that a statement expects.

use crate::Param;
use bytes::BytesMut;
use std::error::Error;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

/// A parameter as it goes to the server.
#[derive(Debug)]
pub(super) enum Encoded {
    Null,
    Binary(Vec<u8>),
    /// As one would write it in a statement; the server reads it as whatever it expects.
    Text(String),
}

impl ToSql for Encoded {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Encoded::Null => return Ok(IsNull::Yes),
            Encoded::Binary(bytes) => out.extend_from_slice(bytes),
            Encoded::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self {
            Encoded::Text(_) => Format::Text,
            Encoded::Null | Encoded::Binary(_) => Format::Binary,
        }
    }

    to_sql_checked!();
}

/// The parameter as a type, or why it has no such form.
pub(super) fn encode(param: &Param, ty: &Type) -> Result<Encoded, String> {
    let ty = base(ty);
    let refuse = |why: &str| Err(format!("{} is no {}{why}", param.type_name(), ty.name()));
    Ok(match (param, ty) {
        (Param::Null, _) => Encoded::Null,
        (Param::Bytes(bytes), &Type::BYTEA) => Encoded::Binary(bytes.clone()),
        (Param::Bytes(_), _) => return refuse("; bytes that are no UTF-8 go into columns of type bytea"),
        (Param::Text(text), &Type::BYTEA) => Encoded::Binary(text.clone().into_bytes()),
        (Param::Text(text), _) => Encoded::Text(text.clone()),
        (Param::Bool(value), &Type::BOOL) => Encoded::Binary(vec![u8::from(*value)]),
        (Param::Bool(value), ty) if is_text(ty) || is_json(ty) => Encoded::Text(value.to_string()),
        (Param::Bool(_), _) | (_, &Type::BOOL | &Type::BYTEA) => return refuse(""),
        (Param::Integer(value), _) => match integer(*value, ty) {
            Some(encoded) => encoded,
            None => return Err(format!("{value} is out of the range of {}", ty.name())),
        },
        (Param::Float(value), _) => match float(*value, ty) {
            Some(encoded) => encoded,
            None => return Err(format!("{value} is out of the range of {}", ty.name())),
        },
    })
}

/// What a domain is made from.
fn base(ty: &Type) -> &Type {
    match ty.kind() {
        Kind::Domain(inner) => base(inner),
        _ => ty,
    }
}

fn is_text(ty: &Type) -> bool {
    matches!(*ty, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN)
}

fn is_json(ty: &Type) -> bool {
    matches!(*ty, Type::JSON | Type::JSONB)
}

fn integer(value: i64, ty: &Type) -> Option<Encoded> {
    let bytes = match *ty {
        Type::INT2 => i16::try_from(value).ok()?.to_be_bytes().to_vec(),
        Type::INT4 => i32::try_from(value).ok()?.to_be_bytes().to_vec(),
        Type::INT8 => value.to_be_bytes().to_vec(),
        Type::OID => u32::try_from(value).ok()?.to_be_bytes().to_vec(),
        Type::FLOAT8 => exact(value)?.to_be_bytes().to_vec(),
        Type::FLOAT4 => {
            let float = exact(value)? as f32;
            (f64::from(float) == value as f64).then_some(float)?.to_be_bytes().to_vec()
        }
        _ => return Some(Encoded::Text(value.to_string())),
    };
    Some(Encoded::Binary(bytes))
}

/// The float that is exactly this integer.
fn exact(value: i64) -> Option<f64> {
    let float = value as f64;
    (float as i128 == i128::from(value)).then_some(float)
}

fn float(value: f64, ty: &Type) -> Option<Encoded> {
    match *ty {
        Type::FLOAT8 => Some(Encoded::Binary(value.to_be_bytes().to_vec())),
        Type::FLOAT4 => {
            let narrow = value as f32;
            (narrow.is_finite() || !value.is_finite()).then(|| Encoded::Binary(narrow.to_be_bytes().to_vec()))
        }
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => {
            integer(perilune_value::Value::Float(value).as_integer()?, ty)
        }
        // The words that PostgreSQL uses.
        _ if value.is_nan() => Some(Encoded::Text("NaN".to_owned())),
        _ if value.is_infinite() => {
            Some(Encoded::Text(if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()))
        }
        _ => Some(Encoded::Text(value.to_string())),
    }
}
