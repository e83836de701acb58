//! Files of entries written anew: one entry a line, in a form that is JSON and YAML alike.

use perilune_registry::Entry;
use perilune_value::Value;

/// Deeper values are refused by the registry, before anything is packed.
const DEEPEST: usize = 256;

/// A file with these entries of one namespace. Each stands on the line that it had before, or as close behind it as there is room, so
/// that messages name the line that its author knows. `None` for a value that no such file can hold.
pub(super) fn write<'a>(
    namespace: &str,
    entries: impl Iterator<Item = (&'a Entry, Option<usize>)>,
) -> Option<String> {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|(entry, line)| (*line, entry.id().clone()));
    let mut text = String::from("{\"version\": \"1.0\", \"namespace\": ");
    string(namespace, &mut text);
    text.push_str(", \"entries\": [");
    let mut at = 1;
    for (position, (entry, line)) in entries.into_iter().enumerate() {
        text.push_str(if position == 0 { "" } else { "," });
        let line = line.unwrap_or_default().max(at + 1);
        text.push_str(&"\n".repeat(line - at));
        at = line;
        text.push_str("{\"name\": ");
        string(entry.id().name(), &mut text);
        text.push_str(", \"kind\": ");
        string(entry.kind(), &mut text);
        for (key, half) in [("meta", entry.meta()), ("data", entry.data())] {
            text.push_str(&format!(", \"{key}\": "));
            value(half, 0, &mut text)?;
        }
        text.push('}');
    }
    text.push_str("\n]}\n");
    Some(text)
}

fn value(written: &Value, depth: usize, text: &mut String) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    match written {
        Value::Nil => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Integer(number) => text.push_str(&number.to_string()),
        Value::Float(number) if number.is_nan() => text.push_str(".nan"),
        Value::Float(number) if number.is_infinite() => {
            text.push_str(if *number > 0.0 { ".inf" } else { "-.inf" });
        }
        // The shortest digits that mean this number, with a dot or an exponent.
        Value::Float(number) => text.push_str(&format!("{number:?}")),
        Value::String(_) => string(written.as_str()?, text),
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                text.push_str(if position == 0 { "" } else { ", " });
                value(item, depth + 1, text)?;
            }
            text.push(']');
        }
        Value::Map(pairs) => {
            text.push('{');
            for (position, (key, item)) in pairs.iter().enumerate() {
                text.push_str(if position == 0 { "" } else { ", " });
                value(key, depth + 1, text)?;
                text.push_str(": ");
                value(item, depth + 1, text)?;
            }
            text.push('}');
        }
        Value::Error(_) => return None,
    }
    Some(())
}

/// A text in quotes. What is not printed is escaped: YAML takes some of it for the end of a line.
fn string(written: &str, text: &mut String) {
    text.push('"');
    for character in written.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other if other.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => text.push(other),
        }
    }
    text.push('"');
}
