//! Functions of Jet templates, under names that no data has.

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};
use std::fmt::Write;

/// A function: its name in Jet and in the translation, and how many arguments it takes.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) translated: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
}

const fn function(name: &'static str, translated: &'static str, least: usize, most: usize) -> Function {
    Function { name, translated, least, most }
}

/// Those that templates may call; also after `|`, where the value is the first argument.
pub(super) const FUNCTIONS: &[Function] = &[
    function("default", "_default", 2, 2),
    function("hasPrefix", "_has_prefix", 2, 2),
    function("hasSuffix", "_has_suffix", 2, 2),
    function("html", "_html", 1, 1),
    function("ints", "_ints", 2, 2),
    function("join", "_join", 1, 2),
    function("json", "_json", 1, 1),
    function("len", "_len", 1, 1),
    function("lower", "_lower", 1, 1),
    function("raw", "_raw", 1, 1),
    function("repeat", "_repeat", 2, 2),
    function("replace", "_replace", 3, 4),
    function("safeHtml", "_html", 1, 1),
    function("split", "_split", 2, 2),
    function("trimSpace", "_trim", 1, 1),
    function("unsafe", "_raw", 1, 1),
    function("upper", "_upper", 1, 1),
    function("url", "_url", 1, 1),
    function("writeJson", "_json", 1, 1),
];

/// Division, which Jet does in integers where both are.
pub(super) const DIVIDE: &str = "_divide";
/// What `range` goes over: values, or pairs of index or key and value.
pub(super) const VALUES: &str = "_values";
pub(super) const PAIRS: &str = "_pairs";

/// Bytes of what a function makes of its arguments. The engine charges for results once they are there.
const MAX_RESULT: usize = 1 << 20;
/// Numbers of `ints`.
const MAX_INTS: i64 = 10_000;

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_function(
        "_default",
        |value: Value, other: Value| {
            if value.is_true() { value } else { other }
        },
    );
    environment
        .add_function("_has_prefix", |text: Value, prefix: Value| shown(&text).starts_with(&shown(&prefix)));
    environment
        .add_function("_has_suffix", |text: Value, suffix: Value| shown(&text).ends_with(&shown(&suffix)));
    environment.add_function("_html", |value: Value| Value::from_safe_string(escaped(&shown(&value))));
    environment.add_function("_ints", ints);
    environment.add_function("_join", join);
    environment.add_function("_json", json);
    environment.add_function("_len", |value: Value| value.len().unwrap_or(0));
    environment.add_function("_lower", |value: Value| shown(&value).to_lowercase());
    environment.add_function("_raw", |value: Value| Value::from_safe_string(shown(&value)));
    environment.add_function("_repeat", repeat);
    environment.add_function("_replace", replace);
    environment.add_function("_split", split);
    environment.add_function("_trim", |value: Value| shown(&value).trim().to_owned());
    environment.add_function("_upper", |value: Value| shown(&value).to_uppercase());
    environment.add_function("_url", |value: Value| url(&shown(&value)));
    environment.add_function(DIVIDE, divide);
    environment.add_function(VALUES, values);
    environment.add_function(PAIRS, pairs);
}

/// A value as it is printed, without escapes; nothing for what is missing.
fn shown(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool => value.is_true().to_string(),
        _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    }
}

fn wrong(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn too_long(name: &str) -> Error {
    wrong(format!("`{name}` makes more than {MAX_RESULT} bytes"))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            other => out.push(other),
        }
    }
    out
}

/// The integers from one to below the other.
fn ints(from: i64, to: i64) -> Result<Vec<i64>, Error> {
    if to.saturating_sub(from) > MAX_INTS {
        return Err(wrong(format!("`ints` counts at most {MAX_INTS} numbers")));
    }
    Ok((from..to).collect())
}

fn join(list: Value, separator: Option<Value>) -> Result<String, Error> {
    let separator = separator.map(|separator| shown(&separator)).unwrap_or_default();
    let mut out = String::new();
    for (index, item) in items(&list).into_iter().enumerate() {
        if index > 0 {
            out.push_str(&separator);
        }
        out.push_str(&shown(&item));
        if out.len() > MAX_RESULT {
            return Err(too_long("join"));
        }
    }
    Ok(out)
}

/// JSON that can stand inside of a script: no character in it ends one.
fn json(value: Value) -> Result<Value, Error> {
    let mut out = String::new();
    write_json(&value, &mut out, 0)?;
    Ok(Value::from_safe_string(out))
}

/// Values from outside nest 128 deep at most, those made here hardly more.
const MAX_JSON_DEPTH: usize = 200;

fn write_json(value: &Value, out: &mut String, depth: usize) -> Result<(), Error> {
    if depth > MAX_JSON_DEPTH || out.len() > MAX_RESULT {
        return Err(if depth > MAX_JSON_DEPTH {
            wrong("`json` was given a value that nests too deep")
        } else {
            too_long("json")
        });
    }
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => {
            let text = value.to_string();
            out.push_str(if text.contains(['n', 'N']) { "null" } else { &text });
        }
        ValueKind::Map => {
            out.push('{');
            for (index, (key, field)) in entries(value).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(&shown(&key), out);
                out.push(':');
                write_json(&field, out, depth + 1)?;
            }
            out.push('}');
        }
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (index, item) in items(value).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(&item, out, depth + 1)?;
            }
            out.push(']');
        }
        _ => write_text(&shown(value), out),
    }
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn repeat(text: Value, times: usize) -> Result<String, Error> {
    let text = shown(&text);
    if text.len().saturating_mul(times) > MAX_RESULT {
        return Err(too_long("repeat"));
    }
    Ok(text.repeat(times))
}

fn replace(text: Value, old: Value, new: Value, most: Option<i64>) -> Result<String, Error> {
    let (text, old, new) = (shown(&text), shown(&old), shown(&new));
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let times = text.matches(old.as_str()).take(most).count();
    if text.len().saturating_add(times.saturating_mul(new.len())) > MAX_RESULT {
        return Err(too_long("replace"));
    }
    Ok(text.replacen(&old, &new, most))
}

fn split(text: Value, separator: Value) -> Result<Vec<String>, Error> {
    let (text, separator) = (shown(&text), shown(&separator));
    if text.len() > MAX_RESULT {
        return Err(too_long("split"));
    }
    if separator.is_empty() {
        return Ok(text.chars().map(String::from).collect());
    }
    Ok(text.split(&separator).map(str::to_owned).collect())
}

/// As it stands in a query.
fn url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            b' ' => out.push('+'),
            other => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

fn divide(left: Value, right: Value) -> Result<Value, Error> {
    let by_zero = || wrong("division by zero");
    if left.is_integer() && right.is_integer() {
        let integers = left.as_i64().zip(right.as_i64());
        let quotient = integers.ok_or_else(|| wrong("an integer is too large to be divided"))?;
        return quotient.0.checked_div(quotient.1).map(Value::from).ok_or_else(by_zero);
    }
    match (f64::try_from(left), f64::try_from(right)) {
        (Ok(_), Ok(0.0)) => Err(by_zero()),
        (Ok(left), Ok(right)) => Ok(Value::from(left / right)),
        _ => Err(wrong("only numbers can be divided")),
    }
}

fn is_map(value: &Value) -> bool {
    value.kind() == ValueKind::Map
}

fn entries(map: &Value) -> Vec<(Value, Value)> {
    let Ok(keys) = map.try_iter() else { return Vec::new() };
    keys.map(|key| (key.clone(), map.get_item(&key).unwrap_or_default())).collect()
}

fn items(list: &Value) -> Vec<Value> {
    // Anything but a list has none, what is missing included.
    if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Vec::new();
    }
    list.try_iter().map(Iterator::collect).unwrap_or_default()
}

fn values(list: Value) -> Vec<Value> {
    if is_map(&list) { entries(&list).into_iter().map(|(_, value)| value).collect() } else { items(&list) }
}

fn pairs(list: Value) -> Vec<Value> {
    let pair = |key: Value, value: Value| Value::from(vec![key, value]);
    if is_map(&list) {
        return entries(&list).into_iter().map(|(key, value)| pair(key, value)).collect();
    }
    items(&list).into_iter().enumerate().map(|(index, value)| pair(Value::from(index), value)).collect()
}
