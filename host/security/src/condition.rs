//! Conditions of policies: `{field: meta.owner, operator: eq, value_from: actor.id}`.
//!
//! | operator | holds when the field | needs |
//! |---|---|---|
//! | `eq` `ne` | equals the value, or does not; `1` equals `1.0` | any value |
//! | `lt` `lte` `gt` `gte` | is less, at most, greater, at least: numbers with numbers, texts with texts by their bytes | a number or text |
//! | `in` `nin` | is one of the values, or none | a list |
//! | `contains` `ncontains` | is a list with the value or a text with this text in it, or is not | any value |
//! | `matches` `nmatches` | is a text that the regular expression finds something in, or nothing | a text, not `value_from` |
//! | `exists` `nexists` | is there, or is not | nothing |
//!
//! Where a field is absent or of a type that the operator cannot judge, nothing can be said: the negated operator does not hold
//! either. What that means is the policy's to decide.

use crate::Question;
use crate::path::Path;
use perilune_registry::same;
use perilune_value::Value;
use regex::{Regex, RegexBuilder};
use std::cmp::Ordering;

/// Bytes that a compiled expression may take: ample for anything written by hand, small against what `(x{1000}){1000}` asks for.
pub(crate) const REGEX_SIZE: usize = 256 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    Greater,
    In,
    Contains,
    Matches,
    Exists,
}

/// Name, relation, and whether it must not hold.
const OPERATORS: [(&str, Relation, bool); 14] = [
    ("eq", Relation::Equal, false),
    ("ne", Relation::Equal, true),
    ("lt", Relation::Less, false),
    ("gte", Relation::Less, true),
    ("gt", Relation::Greater, false),
    ("lte", Relation::Greater, true),
    ("in", Relation::In, false),
    ("nin", Relation::In, true),
    ("contains", Relation::Contains, false),
    ("ncontains", Relation::Contains, true),
    ("matches", Relation::Matches, false),
    ("nmatches", Relation::Matches, true),
    ("exists", Relation::Exists, false),
    ("nexists", Relation::Exists, true),
];

/// The names of all operators.
pub const OPERATOR_NAMES: &[&str] = &{
    let mut names = [""; OPERATORS.len()];
    let mut at = 0;
    while at < OPERATORS.len() {
        names[at] = OPERATORS[at].0;
        at += 1;
    }
    names
};

#[derive(Clone, Debug)]
enum Operand {
    None,
    Value(Value),
    Field(Path),
    Pattern(Regex),
}

/// One condition.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    field: Path,
    relation: Relation,
    is_negated: bool,
    operand: Operand,
}

/// What is wrong with a condition, and in which of its fields.
pub(crate) type Fault = (&'static str, String);

impl Condition {
    /// Reads `{field, operator, value | value_from}`.
    pub(crate) fn parse(written: &Value) -> Result<Self, Fault> {
        let text = |key: &str| written.get(key).and_then(Value::as_str);
        let field = Path::parse(text("field").unwrap_or_default()).map_err(|error| ("field", error))?;
        let name = text("operator").unwrap_or_default();
        let (_, relation, is_negated) = *OPERATORS
            .iter()
            .find(|(known, ..)| *known == name)
            .ok_or_else(|| ("operator", format!("there is no operator `{name}`")))?;
        let operand = operand(name, relation, written)?;
        Ok(Condition { field, relation, is_negated, operand })
    }

    /// Whether it holds; `None` where that cannot be told.
    pub(crate) fn holds(&self, question: &Question<'_>) -> Option<bool> {
        let found = self.field.find(question);
        if self.relation == Relation::Exists {
            return Some(found.is_some() != self.is_negated);
        }
        let found = found?;
        let told = match &self.operand {
            Operand::Pattern(pattern) => pattern.is_match(found.as_str()?),
            Operand::Value(wanted) => relate(self.relation, &found, wanted)?,
            Operand::Field(path) => relate(self.relation, &found, path.find(question)?.as_ref())?,
            Operand::None => return None,
        };
        Some(told != self.is_negated)
    }
}

fn operand(name: &str, relation: Relation, written: &Value) -> Result<Operand, Fault> {
    let operand = match (relation, written.get("value"), written.get("value_from")) {
        (Relation::Exists, None, None) => Operand::None,
        (Relation::Exists, Some(_), _) => {
            return Err(("value", format!("`{name}` compares with nothing: remove it")));
        }
        (Relation::Exists, _, Some(_)) => {
            return Err(("value_from", format!("`{name}` compares with nothing: remove it")));
        }
        (_, Some(_), Some(_)) => {
            return Err(("value_from", "there is a `value` besides: remove one of the two".to_owned()));
        }
        (_, None, None) => {
            return Err(("value", format!("`{name}` needs a `value`, or `value_from` with a field")));
        }
        (Relation::Matches, _, Some(_)) => {
            return Err((
                "value_from",
                "a regular expression stands in the policy itself: write it as `value`".to_owned(),
            ));
        }
        (_, None, Some(path)) => {
            let path = Path::parse(path.as_str().unwrap_or_default());
            Operand::Field(path.map_err(|error| ("value_from", error))?)
        }
        (Relation::Matches, Some(value), None) => {
            let pattern = value.as_str().ok_or_else(|| ("value", "expected a regular expression".to_owned()));
            Operand::Pattern(regex(pattern?).map_err(|reason| ("value", reason))?)
        }
        (_, Some(value), None) => Operand::Value(value.clone()),
    };
    if let Operand::Value(value) = &operand {
        let fits = match relation {
            Relation::In => matches!(value, Value::Array(_)),
            Relation::Less | Relation::Greater => value.as_float().is_some() || value.as_str().is_some(),
            _ => !matches!(value, Value::Nil | Value::Error(_)),
        };
        if !fits {
            let expected = match relation {
                Relation::In => "a list",
                Relation::Less | Relation::Greater => "a number or a text",
                _ => "a value",
            };
            return Err(("value", format!("`{name}` needs {expected}")));
        }
    }
    Ok(operand)
}

/// A regular expression within bounds; the error says what is wrong with it.
pub(crate) fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(REGEX_SIZE).dfa_size_limit(REGEX_SIZE).build().map_err(|error| {
        match error {
            regex::Error::CompiledTooBig(_) => format!("the regular expression `{pattern}` is too large"),
            // The last line says what is wrong, those above draw it.
            other => {
                let reason = other.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("the regular expression `{pattern}` is not valid: {reason}")
            }
        }
    })
}

fn relate(relation: Relation, found: &Value, wanted: &Value) -> Option<bool> {
    match relation {
        Relation::Equal => Some(same(found, wanted)),
        Relation::Less => Some(compare(found, wanted)? == Ordering::Less),
        Relation::Greater => Some(compare(found, wanted)? == Ordering::Greater),
        Relation::In => match wanted {
            Value::Array(values) => Some(values.iter().any(|value| same(value, found))),
            _ => None,
        },
        Relation::Contains => match (found, wanted) {
            (Value::Array(values), wanted) => Some(values.iter().any(|value| same(value, wanted))),
            // An empty table is a list as well.
            (Value::Map(fields), _) if fields.is_empty() => Some(false),
            (found, wanted) => Some(found.as_str()?.contains(wanted.as_str()?)),
        },
        // Both are answered before.
        Relation::Matches | Relation::Exists => None,
    }
}

fn compare(found: &Value, wanted: &Value) -> Option<Ordering> {
    match (found, wanted) {
        (Value::Integer(found), Value::Integer(wanted)) => Some(found.cmp(wanted)),
        (Value::String(found), Value::String(wanted)) => Some(found.cmp(wanted)),
        // Above 2^53 neighbours fall together, so an integer is compared exactly where the float is one.
        (Value::Integer(_) | Value::Float(_), Value::Integer(_) | Value::Float(_)) => {
            match (found.as_integer(), wanted.as_integer()) {
                (Some(found), Some(wanted)) => Some(found.cmp(&wanted)),
                _ => found.as_float()?.partial_cmp(&wanted.as_float()?),
            }
        }
        _ => None,
    }
}
