//! Scalars without quotes: what they mean, and which strings may be written so.

use perilune_time::{Zone, parse};
use perilune_value::Value;

/// What a scalar without quotes means in the core schema of YAML 1.2, timestamps added.
pub(super) fn resolve(text: &str) -> Value {
    core_schema(text).or_else(|| timestamp(text)).unwrap_or_else(|| Value::from(text))
}

/// What a scalar without quotes means in the core schema; `None` for strings.
pub(super) fn core_schema(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Nil,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        _ => return number(text),
    })
}

fn number(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Value::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }));
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let fits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            return fits.then(|| match i64::from_str_radix(digits, radix) {
                Ok(integer) => Value::Integer(integer),
                Err(_) => {
                    let step = |sum: f64, c: char| sum * f64::from(radix) + f64::from(c.to_digit(radix).unwrap_or(0));
                    Value::Float(digits.chars().fold(0.0, step))
                }
            });
        }
    }
    // Rust also reads `inf`, `nan` and `infinity`, which are strings here.
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(integer) = text.parse()
    {
        return Some(Value::Integer(integer));
    }
    text.parse().ok().map(Value::Float)
}

/// The forms of a timestamp.
const TIMESTAMPS: [&[u8]; 6] = [
    b"2006-1-2",
    b"2006-1-2T15:04:05.999999999Z07:00",
    b"2006-1-2t15:04:05.999999999Z07:00",
    b"2006-1-2 15:04:05.999999999",
    b"2006-1-2 15:04:05.999999999Z07:00",
    b"2006-1-2 15:04:05.999999999 Z07:00",
];
/// A timestamp with nanoseconds and an offset, and some blanks.
const LONGEST_TIMESTAMP: usize = 40;

fn timestamp(text: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    // Nearly no text begins like one.
    if bytes.len() > LONGEST_TIMESTAMP || bytes.get(4) != Some(&b'-') || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let utc = Zone::utc();
    let read = |layout: &&[u8]| parse(layout, bytes, Some(&utc), &utc).ok();
    TIMESTAMPS.iter().find_map(read).map(|(at, _)| Value::Integer(at.seconds()))
}

/// Words that readers of YAML 1.1 take for booleans.
const OLD_BOOLEANS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];

/// Whether a string reads back as itself without quotes, in block style, by this reader and those of older versions.
pub(super) fn is_plain(text: &str) -> bool {
    let first = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.');
    let Some(beginning) = text.chars().next().filter(|c| first(*c)) else { return false };
    let inside = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    text.chars().all(inside)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("...")
        && !OLD_BOOLEANS.iter().any(|word| word.eq_ignore_ascii_case(text))
        && !(beginning.is_ascii_digit() && is_like_a_number(text))
        && matches!(resolve(text), Value::String(_))
}

/// Older readers know `1_000`, `0b11`, `0777` and `12:30:45` as numbers too.
fn is_like_a_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit() || b"_:.+-xXobTtZz ".contains(&byte))
}

/// Whether a string can stand in a literal block, its lines as they are.
pub(super) fn is_literal(text: &str) -> bool {
    let printable = |c: char| {
        c == '\n' || (c != '\u{feff}' && c != '\u{2028}' && c != '\u{2029}' && !c.is_control() && !is_noncharacter(c))
    };
    let line = |line: &str| line.is_empty() || !line.trim_start_matches(' ').is_empty();
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && text.chars().all(printable)
        && text.split('\n').all(line)
}

/// Characters that no YAML text may hold.
pub(super) fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{ffff}')
}
