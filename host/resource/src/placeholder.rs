//! `${env:NAME}` in the fields of entries.
//!
//! | text | becomes |
//! |---|---|
//! | `${env:NAME}`, `${NAME}` | the variable; an error without one |
//! | `${env:NAME\|text}`, `${NAME\|text}` | the variable, or the text without one |
//! | `$${…}` | `${…}` as it stands |

use perilune_value::{Failure, Value};

/// Replaces the placeholders in all strings of a value.
pub(crate) fn resolve(
    value: &Value,
    lookup: &dyn Fn(&str) -> Result<Option<String>, Failure>,
) -> Result<Value, Failure> {
    Ok(match value {
        Value::String(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("${") => Value::from(expand(text, lookup)?),
            _ => value.clone(),
        },
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| resolve(item, lookup)).collect::<Result<_, _>>()?)
        }
        Value::Map(fields) => Value::Map(
            fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), resolve(value, lookup)?)))
                .collect::<Result<_, Failure>>()?,
        ),
        other => other.clone(),
    })
}

fn expand(text: &str, lookup: &dyn Fn(&str) -> Result<Option<String>, Failure>) -> Result<String, Failure> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, placeholder) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &placeholder[2..];
            continue;
        }
        out.push_str(before);
        let Some((inside, after)) = placeholder[2..].split_once('}') else {
            return Err(Failure::invalid(format!("`{placeholder}` lacks its `}}`")));
        };
        out.push_str(&variable(inside, lookup)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn variable(
    inside: &str,
    lookup: &dyn Fn(&str) -> Result<Option<String>, Failure>,
) -> Result<String, Failure> {
    let (name, default) = match inside.split_once('|') {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let name = name.strip_prefix("env:").unwrap_or(name).trim();
    if name.is_empty() {
        return Err(Failure::invalid(format!("`${{{inside}}}` names no variable")));
    }
    match (lookup(name), default) {
        (Ok(Some(value)), _) => Ok(value),
        (Ok(None) | Err(_), Some(default)) => Ok(default.to_owned()),
        (Ok(None), None) => Err(Failure::not_found(format!(
            "the variable {name} is not set; set it, or write a default: `${{env:{name}|default}}`"
        ))),
        (Err(failure), None) => Err(failure),
    }
}
