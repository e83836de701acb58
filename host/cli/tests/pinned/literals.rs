//! The literals of sources in Rust, Lua and C: as much of these languages as it takes to find them.

use std::path::Path;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Language {
    Rust,
    Lua,
    C,
}

impl Language {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "rs" => Some(Language::Rust),
            "lua" => Some(Language::Lua),
            "c" | "h" => Some(Language::C),
            _ => None,
        }
    }

    /// A comment's length, where one begins.
    fn comment(self, rest: &str) -> Option<usize> {
        let (line, block, close) =
            if self == Language::Lua { ("--", "--[[", "]]") } else { ("//", "/*", "*/") };
        if rest.starts_with(block) {
            Some(rest.find(close).map_or(rest.len(), |at| at + close.len()))
        } else if rest.starts_with(line) {
            Some(rest.find('\n').unwrap_or(rest.len()))
        } else {
            None
        }
    }

    /// A literal, with its length and where its text is in it, where one begins.
    fn literal(self, rest: &str) -> Option<(usize, &str)> {
        let quoted = |quote: char| {
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|&(_, c)| {
                let ends = c == quote && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.map(|(at, _)| (at + 1, &rest[1..at]))
        };
        match (self, rest.chars().next()?) {
            (_, '"') => quoted('"'),
            (Language::Lua, '\'') => quoted('\''),
            (Language::Lua, '[') => {
                let inside = rest.strip_prefix("[[")?;
                inside.find("]]").map(|end| (end + 4, &inside[..end]))
            }
            (Language::Rust, 'r') => {
                let inside = rest[1..].trim_start_matches('#');
                let hashes = &rest[1..rest.len() - inside.len()];
                let inside = inside.strip_prefix('"')?;
                let end = inside.find(&format!("\"{hashes}"))?;
                Some((1 + hashes.len() + 1 + end + 1 + hashes.len(), &inside[..end]))
            }
            _ => None,
        }
    }

    /// `{}` instead of whatever is filled in.
    pub(crate) fn with_holes(self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(if self == Language::Rust { '{' } else { '%' }) {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let length = match self {
                Language::Rust if rest.starts_with('{') => None,
                Language::Rust => rest.find('}').map(|end| end + 1),
                _ => {
                    let flags = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(0);
                    rest[flags..].starts_with(|c: char| c.is_ascii_alphabetic()).then_some(flags + 1)
                }
            };
            match length {
                Some(length) => {
                    out.push_str("{}");
                    rest = &rest[length..];
                }
                None => {
                    let doubled = rest.starts_with(['{', '%']);
                    out.push(if self == Language::Rust { '{' } else { '%' });
                    rest = &rest[usize::from(doubled)..];
                }
            }
        }
        out.push_str(rest);
        if self == Language::Rust { out.replace("}}", "}") } else { out }
    }
}

/// A literal with what it stands in: `["KindSpec", "format!"]`.
pub(crate) struct Literal {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) within: Vec<String>,
}

/// The literals of a source without the tests at its end.
pub(crate) fn literals(source: &str, language: Language) -> Vec<Literal> {
    let tests = source.find("#[cfg(test)]\nmod ").unwrap_or(source.len());
    all_literals(&source[..tests], language)
}

/// All literals of a source.
pub(crate) fn all_literals(source: &str, language: Language) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut within = Vec::new();
    // The path before the next bracket: `Failure::invalid`, `format!`.
    let mut name = String::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        if let Some(length) = language.comment(rest) {
            at += length;
        } else if let Some((length, text)) = language.literal(rest) {
            let line = source[..at].matches('\n').count() + 1;
            let is_raw = !rest.starts_with(['"', '\'']);
            let text = if is_raw { text.to_owned() } else { unescaped(text) };
            found.push(Literal { line, text, within: within.clone() });
            name.clear();
            at += length;
        } else if first == '\'' {
            at += character(rest);
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            if !name.ends_with("::") {
                name.clear();
            }
            name.push_str(&rest[..length]);
            at += length;
        } else {
            match first {
                ':' | '!' | '#' => name.push(first),
                '(' | '[' | '{' => within.push(std::mem::take(&mut name)),
                ')' | ']' | '}' => {
                    within.pop();
                    name.clear();
                }
                _ if first.is_whitespace() => {}
                _ => name.clear(),
            }
            at += first.len_utf8();
        }
    }
    found
}

/// The length of a character literal, or of the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut inside = rest.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), Some(escaped)) => {
            let from = 2 + escaped.len_utf8();
            rest[from..].find('\'').map_or(rest.len(), |end| from + end + 1)
        }
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1,
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some('\n')) => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            ('\\', Some(escaped)) => {
                chars.next();
                out.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
            }
            _ => out.push(c),
        }
    }
    out
}
