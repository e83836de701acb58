//! Rust to Lua.

use super::TypeError;
use crate::Value;
use serde::ser::{self, Error, Serialize};

/// Serialises what stands inside `depth` tables.
#[derive(Clone, Copy)]
pub(super) struct Serializer {
    pub(super) depth: usize,
}

impl Serializer {
    fn deeper(self) -> Result<Self, TypeError> {
        if self.depth < Value::MAX_DEPTH {
            Ok(Serializer { depth: self.depth + 1 })
        } else {
            Err(TypeError::custom(format_args!("nesting over {} levels", Value::MAX_DEPTH)))
        }
    }

    fn list(self, variant: Option<&'static str>) -> Result<List, TypeError> {
        let inner = if variant.is_some() { self.deeper()? } else { self }.deeper()?;
        Ok(List { inner, items: Vec::new(), variant })
    }

    fn table(self, variant: Option<&'static str>) -> Result<Table, TypeError> {
        let inner = if variant.is_some() { self.deeper()? } else { self }.deeper()?;
        Ok(Table { inner, fields: Vec::new(), key: Value::Nil, variant })
    }
}

fn tagged(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::from_iter([(variant, value)]),
        None => value,
    }
}

impl ser::Serializer for Serializer {
    type Ok = Value;
    type Error = TypeError;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Table;
    type SerializeStruct = Table;
    type SerializeStructVariant = Table;

    fn serialize_bool(self, v: bool) -> Result<Value, TypeError> {
        Ok(v.into())
    }

    fn serialize_i8(self, v: i8) -> Result<Value, TypeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<Value, TypeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<Value, TypeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<Value, TypeError> {
        Ok(v.into())
    }

    fn serialize_i128(self, v: i128) -> Result<Value, TypeError> {
        i64::try_from(v).map(Value::Integer).map_err(|_| out_of_range(v))
    }

    fn serialize_u8(self, v: u8) -> Result<Value, TypeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<Value, TypeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<Value, TypeError> {
        self.serialize_i64(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<Value, TypeError> {
        self.serialize_i128(v.into())
    }

    fn serialize_u128(self, v: u128) -> Result<Value, TypeError> {
        i64::try_from(v).map(Value::Integer).map_err(|_| out_of_range(v))
    }

    fn serialize_f32(self, v: f32) -> Result<Value, TypeError> {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Result<Value, TypeError> {
        Ok(v.into())
    }

    fn serialize_char(self, v: char) -> Result<Value, TypeError> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<Value, TypeError> {
        Ok(v.into())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Value, TypeError> {
        Ok(Value::String(v.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, TypeError> {
        Ok(Value::Nil)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, TypeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, TypeError> {
        Ok(Value::Nil)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, TypeError> {
        Ok(Value::Nil)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, TypeError> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, TypeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, TypeError> {
        Ok(tagged(Some(variant), value.serialize(self.deeper()?)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, TypeError> {
        self.list(None)
    }

    fn serialize_tuple(self, _: usize) -> Result<List, TypeError> {
        self.list(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, TypeError> {
        self.list(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List, TypeError> {
        self.list(Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Table, TypeError> {
        self.table(None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Table, TypeError> {
        self.table(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Table, TypeError> {
        self.table(Some(variant))
    }
}

fn out_of_range(value: impl std::fmt::Display) -> TypeError {
    TypeError::custom(format_args!("integer {value} is out of the range of a Lua integer"))
}

pub(super) struct List {
    inner: Serializer,
    items: Vec<Value>,
    variant: Option<&'static str>,
}

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TypeError> {
        self.items.push(value.serialize(self.inner)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, TypeError> {
        Ok(tagged(self.variant, Value::Array(self.items)))
    }
}

impl ser::SerializeSeq for List {
    type Ok = Value;
    type Error = TypeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TypeError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, TypeError> {
        self.finish()
    }
}

impl ser::SerializeTuple for List {
    type Ok = Value;
    type Error = TypeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TypeError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, TypeError> {
        self.finish()
    }
}

impl ser::SerializeTupleStruct for List {
    type Ok = Value;
    type Error = TypeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TypeError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, TypeError> {
        self.finish()
    }
}

impl ser::SerializeTupleVariant for List {
    type Ok = Value;
    type Error = TypeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TypeError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, TypeError> {
        self.finish()
    }
}

pub(super) struct Table {
    inner: Serializer,
    fields: Vec<(Value, Value)>,
    /// The key whose value comes next.
    key: Value,
    variant: Option<&'static str>,
}

impl Table {
    /// A field that is nil is absent, as in any Lua table.
    fn set<T: Serialize + ?Sized>(&mut self, key: Value, value: &T) -> Result<(), TypeError> {
        match value.serialize(self.inner)? {
            Value::Nil => {}
            value => self.fields.push((key, value)),
        }
        Ok(())
    }

    fn finish(self) -> Result<Value, TypeError> {
        Ok(tagged(self.variant, Value::Map(self.fields)))
    }
}

impl ser::SerializeMap for Table {
    type Ok = Value;
    type Error = TypeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TypeError> {
        self.key = key.serialize(self.inner)?;
        match self.key {
            Value::Nil => Err(TypeError::custom("a table key cannot be nil")),
            Value::Float(key) if key.is_nan() => Err(TypeError::custom("a table key cannot be NaN")),
            _ => Ok(()),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TypeError> {
        let key = std::mem::take(&mut self.key);
        self.set(key, value)
    }

    fn end(self) -> Result<Value, TypeError> {
        self.finish()
    }
}

impl ser::SerializeStruct for Table {
    type Ok = Value;
    type Error = TypeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), TypeError> {
        self.set(name.into(), value)
    }

    fn end(self) -> Result<Value, TypeError> {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Table {
    type Ok = Value;
    type Error = TypeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), TypeError> {
        self.set(name.into(), value)
    }

    fn end(self) -> Result<Value, TypeError> {
        self.finish()
    }
}

impl Serialize for Value {
    /// Error objects serialise as their message.
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Nil => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::String(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => serializer.serialize_bytes(bytes),
            },
            Value::Array(items) => serializer.collect_seq(items),
            Value::Map(fields) => serializer.collect_map(fields.iter().map(|(key, value)| (key, value))),
            Value::Error(failure) => serializer.serialize_str(&failure.message),
        }
    }
}
