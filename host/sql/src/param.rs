//! Values on their way into a statement.

use perilune_value::{Failure, Value};

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// Text, or anything that a database reads from text: a date, a UUID, a decimal number.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// PostgreSQL and MySQL count parameters with 16 bits.
const MOST: usize = 65_535;

impl Param {
    /// The parameters of a statement from a Lua table: its values at `1..n`, holes being NULL. `marks` says of each position what
    /// its value alone does not tell: `b` bytes, `t` text, `n` NULL; anything else says nothing. A string that is no UTF-8 stands
    /// for bytes.
    ///
    /// # Errors
    ///
    /// `Invalid` with the position of what no database takes.
    pub fn list(values: Value, marks: &[u8]) -> Result<Vec<Param>, Failure> {
        let values: Vec<(usize, Value)> = match values {
            Value::Nil => Vec::new(),
            // Nearly all lists: of values that tell all, without holes.
            Value::Array(items) if marks.is_empty() && items.len() <= MOST => {
                return (1..).zip(items).map(|(position, value)| param(position, value, None)).collect();
            }
            Value::Array(items) => (1..).zip(items).collect(),
            Value::Map(fields) => fields
                .into_iter()
                .map(|(key, value)| Ok((position(&key)?, value)))
                .collect::<Result<_, Failure>>()?,
            other => {
                return Err(Failure::invalid(format!(
                    "parameters are an array, not a {}",
                    other.type_name()
                )));
            }
        };
        let last = values.iter().map(|(position, _)| *position).max().unwrap_or_default().max(marks.len());
        if last > MOST {
            return Err(Failure::invalid(format!("a statement takes {MOST} parameters at most, not {last}")));
        }
        let mut params = vec![Param::Null; last];
        for (position, value) in values {
            params[position - 1] = param(position, value, marks.get(position - 1))?;
        }
        Ok(params)
    }

    /// What a message calls it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Param::Null => "NULL",
            Param::Bool(_) => "a boolean",
            Param::Integer(_) => "an integer",
            Param::Float(_) => "a float",
            Param::Text(_) => "text",
            Param::Bytes(_) => "bytes",
        }
    }
}

fn position(key: &Value) -> Result<usize, Failure> {
    let number = key.as_integer().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or_else(|| {
        let shown = match key {
            Value::String(text) => format!("`{}`", String::from_utf8_lossy(text)),
            Value::Integer(number) => number.to_string(),
            other => other.type_name().to_owned(),
        };
        Failure::invalid(format!("parameters are an array, but the table has the key {shown}"))
    })
}

fn param(position: usize, value: Value, mark: Option<&u8>) -> Result<Param, Failure> {
    let refuse = |what: &str| Err(Failure::invalid(format!("parameter {position} {what}")));
    match (value, mark) {
        (_, Some(b'n')) | (Value::Nil, _) => Ok(Param::Null),
        (Value::Bool(value), _) => Ok(Param::Bool(value)),
        (Value::Integer(value), _) => Ok(Param::Integer(value)),
        (Value::Float(value), _) => Ok(Param::Float(value)),
        (Value::String(bytes), Some(b'b')) => Ok(Param::Bytes(bytes)),
        (Value::String(bytes), mark) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Param::Text(text)),
            Err(_) if mark == Some(&b't') => refuse("is no UTF-8, which text must be; use sql.as.binary"),
            Err(error) => Ok(Param::Bytes(error.into_bytes())),
        },
        (other, _) => refuse(&format!(
            "is a {}, which no database takes: encode it, as JSON for example",
            other.type_name()
        )),
    }
}

/// Refuses a statement that takes another number of parameters.
pub(crate) fn check_count(takes: usize, given: usize) -> Result<(), Failure> {
    if takes == given {
        return Ok(());
    }
    let hint = if given < takes { "; a nil at the end is not counted: write sql.NULL" } else { "" };
    let plural = if takes == 1 { "" } else { "s" };
    Err(Failure::invalid(format!("the statement takes {takes} parameter{plural}, {given} were given{hint}"))
        .with_detail("expected", takes as i64)
        .with_detail("given", given as i64))
}
