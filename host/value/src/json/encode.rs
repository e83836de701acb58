//! The wire form to JSON text, in one pass.

use crate::msgpack::{Reader, Token, deeper};
use crate::path::{Path, Step};
use crate::{DecodeError, Failure};
use serde::Serialize;
use std::io::{self, Write};
use std::ops::Range;

/// MessagePack as JSON text.
///
/// # Errors
///
/// Kind `Internal`, with the path to what has no JSON form; the same for bytes that are no value.
pub fn encode_from_msgpack(bytes: &[u8]) -> Result<String, Failure> {
    let mut encoder =
        Encoder { input: Reader::new(bytes), out: Vec::with_capacity(bytes.len()), path: Path::default() };
    let refused = |path: &Path<'_>, reason: Refusal| {
        Failure::internal(format!("cannot encode {path} as JSON: {reason}"))
    };
    if let Err(reason) = encoder.value(0) {
        return Err(refused(&encoder.path, reason));
    }
    encoder.input.finish().map_err(|error| refused(&Path::default(), error.into()))?;
    Ok(String::from_utf8(encoder.out).expect("invariant: only UTF-8 is written"))
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("mixed key types: a table must have either the keys 1..n or string keys")]
    MixedKeys,
    #[error("sparse array: {count} integer keys, but not exactly 1..{count}")]
    SparseArray { count: usize },
    #[error("a {0} cannot be a key")]
    Key(&'static str),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Write(#[from] serde_json::Error),
}

/// A table key; the order is the one of the object's fields.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Integer(i64),
    Text(&'a [u8]),
    /// The text of a boolean or a float.
    Printed(String),
}

struct Encoder<'a> {
    input: Reader<'a>,
    out: Vec<u8>,
    path: Path<'a>,
}

impl<'a> Encoder<'a> {
    fn value(&mut self, depth: usize) -> Result<(), Refusal> {
        match self.input.token()? {
            Token::Nil => self.out.extend(b"null"),
            Token::Bool(value) => self.scalar(&value)?,
            Token::Integer(value) => self.scalar(&value)?,
            Token::Float(value) => self.float(value)?,
            Token::String(bytes) => self.string(bytes)?,
            Token::Array(len) => self.array(len, deeper(depth)?)?,
            Token::Map(len) => self.map(len, deeper(depth)?)?,
            Token::Error(body) => {
                let failure = self.input.failure(body, depth)?;
                self.string(failure.message.as_bytes())?;
            }
        }
        Ok(())
    }

    fn array(&mut self, len: usize, depth: usize) -> Result<(), Refusal> {
        self.out.push(b'[');
        for index in 1..=len {
            if index > 1 {
                self.out.push(b',');
            }
            self.path.0.push(Step::Index(index));
            self.value(depth)?;
            self.path.0.pop();
        }
        self.out.push(b']');
        Ok(())
    }

    /// Writes fields as they come and puts them in order afterwards, where they were not.
    fn map(&mut self, len: usize, depth: usize) -> Result<(), Refusal> {
        let start = self.out.len();
        let mut fields: Vec<(Key<'a>, Range<usize>)> = Vec::new();
        for _ in 0..len {
            let key = self.key()?;
            if fields
                .first()
                .is_some_and(|(first, _)| std::mem::discriminant(first) != std::mem::discriminant(&key))
            {
                return Err(Refusal::MixedKeys);
            }
            let from = self.out.len();
            self.out.push(b',');
            match &key {
                Key::Integer(_) => {}
                Key::Text(text) => self.field_name(text)?,
                Key::Printed(text) => self.field_name(text.as_bytes())?,
            }
            self.path.0.push(match &key {
                Key::Integer(index) => Step::Index(usize::try_from(*index).unwrap_or(0)),
                Key::Text(text) => Step::Key(text),
                Key::Printed(_) => Step::Key(b"?"),
            });
            self.value(depth)?;
            self.path.0.pop();
            fields.push((key, from..self.out.len()));
        }

        if !fields.is_sorted_by(|(a, _), (b, _)| a <= b) {
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            let unsorted = self.out.split_off(start);
            for (_, range) in &fields {
                self.out.extend_from_slice(&unsorted[range.start - start..range.end - start]);
            }
        }
        let array = matches!(fields.first(), Some((Key::Integer(_), _)));
        if array && !fields.iter().zip(1..).all(|((key, _), index)| *key == Key::Integer(index)) {
            return Err(Refusal::SparseArray { count: fields.len() });
        }
        // Every field starts with a comma; the first comma becomes the bracket.
        let (open, close) = if array { (b'[', b']') } else { (b'{', b'}') };
        if fields.is_empty() {
            self.out.push(open)
        } else {
            self.out[start] = open
        }
        self.out.push(close);
        Ok(())
    }

    fn key(&mut self) -> Result<Key<'a>, Refusal> {
        Ok(match self.input.token()? {
            Token::String(text) => Key::Text(text),
            Token::Integer(key) => Key::Integer(key),
            Token::Bool(key) => Key::Printed(key.to_string()),
            Token::Float(key) if key.is_nan() => return Err(DecodeError::Key { key: "NaN" }.into()),
            Token::Float(key) => Key::Printed(key.to_string()),
            Token::Nil => return Err(DecodeError::Key { key: "nil" }.into()),
            Token::Array(_) | Token::Map(_) => return Err(Refusal::Key("table")),
            Token::Error(_) => return Err(Refusal::Key("error object")),
        })
    }

    fn field_name(&mut self, text: &[u8]) -> Result<(), Refusal> {
        self.string(text)?;
        self.out.push(b':');
        Ok(())
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.scalar(&*String::from_utf8_lossy(bytes))
    }

    fn float(&mut self, value: f64) -> Result<(), Refusal> {
        if value.is_finite() {
            // `Display` is the shortest form without an exponent.
            write!(self.out, "{value}").map_err(serde_json::Error::io)?;
        } else {
            self.out.extend(b"null");
        }
        Ok(())
    }

    fn scalar<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        Ok(value.serialize(&mut serde_json::Serializer::with_formatter(&mut self.out, ScriptSafe))?)
    }
}

/// Escapes what could end a script element or a JavaScript line, so that the text may be placed into HTML.
struct ScriptSafe;

impl serde_json::ser::Formatter for ScriptSafe {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut tail = tail.chars();
            if let Some(special) = tail.next() {
                write!(writer, "\\u{:04x}", u32::from(special))?;
            }
            rest = tail.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}
