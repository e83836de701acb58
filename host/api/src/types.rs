//! Types as the Lua language server writes them: `string`, `integer?`, `table<string, any>`, `fun(x: string): Store`, `A|B`,
//! `{name: string, size: integer?}`, `'r'|'w'`.

/// Types that need no class.
const BUILT_IN: [&str; 17] = [
    "any",
    "boolean",
    "false",
    "fun",
    "function",
    "integer",
    "lightuserdata",
    "nil",
    "number",
    "self",
    "string",
    "table",
    "thread",
    "true",
    "unknown",
    "userdata",
    "void",
];

/// The names of classes in a type.
///
/// # Errors
///
/// What is wrong with it, as the end of a sentence.
pub(crate) fn classes(ty: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut open = Vec::new();
    let mut rest = ty;
    if ty.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | '<' | '{' | '[' => {
                open.push(first);
                1
            }
            ')' | '>' | '}' | ']' => {
                let expected = match first {
                    ')' => '(',
                    '>' => '<',
                    '}' => '{',
                    _ => '[',
                };
                if open.pop() != Some(expected) {
                    return Err(format!("has a `{first}` that closes nothing"));
                }
                1
            }
            '\'' | '"' => {
                let end = rest[1..].find(first).ok_or("has a string without an end")?;
                end + 2
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')));
                let end = end.unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                // Names of parameters and fields stand before a colon. `fun(): T` has its colon after a parenthesis.
                let is_label =
                    after.trim_start_matches('?').trim_start().starts_with(':') && !open.is_empty();
                if !is_label && !BUILT_IN.contains(&name) {
                    names.push(name);
                }
                end
            }
            c if c.is_ascii_digit() || matches!(c, ' ' | ',' | '|' | '?' | ':' | '.' | '-') => 1,
            other => return Err(format!("has {other:?} in it")),
        };
        rest = &rest[length..];
    }
    match open.pop() {
        Some(bracket) => Err(format!("has a `{bracket}` that is not closed")),
        None => Ok(names),
    }
}

/// The type, or nil.
pub(crate) fn or_nil(ty: &str) -> String {
    if ty.ends_with('?') || matches!(ty, "any" | "nil") || ty.split('|').any(|part| part.trim() == "nil") {
        ty.to_owned()
    } else if ty.contains('|') || ty.starts_with("fun") {
        format!("({ty})?")
    } else {
        format!("{ty}?")
    }
}
