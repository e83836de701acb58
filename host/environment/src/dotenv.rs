//! Files of `NAME=value` lines, as many tools write them.
//!
//! | line | means |
//! |---|---|
//! | `NAME=text # comment` | the text up to the comment, without blanks around it |
//! | `NAME='text'` | the text as it stands, line ends included |
//! | `NAME="text"` | the text with `\n`, `\r`, `\t`, `\"`, `\\`, `\$` replaced |
//! | `export NAME=…` | the same |
//! | `# …`, empty | nothing |
//!
//! Of several lines with one name the last counts. `$OTHER` stands for itself: common parsers put a variable of the process's own
//! environment there, which would hand out what the host did not allow. Writing changes one value and leaves the rest of the file
//! as it is.

use std::ops::Range;

/// A file of variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    text: String,
    /// In the order in which they stand.
    assignments: Vec<Assignment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Assignment {
    name: String,
    value: String,
    /// Where the value is written, quotes included.
    place: Range<usize>,
}

/// Why a text is no such file, or a variable cannot stand in one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line is neither empty nor a comment nor an assignment.
    #[error("line {0}: expected `NAME=value`")]
    NoAssignment(usize),
    /// A quote that begins in this line does not end.
    #[error("line {0}: the quote does not end")]
    OpenQuote(usize),
    /// Something follows a quoted value.
    #[error("line {0}: something follows the quoted value")]
    AfterQuote(usize),
    /// No name that such files have.
    #[error("{} is no name of a variable: it has letters, digits, `_`, `-` and `.`, no digit first", perilune_registry::quote(.0))]
    Name(String),
    /// A value with a NUL byte, which no environment holds.
    #[error("the value has a NUL byte")]
    Nul,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first line that is wrong.
    pub fn parse(text: String) -> Result<Self, Error> {
        let mut assignments = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let line_end = end_of_line(&text, at);
            let line = text[at..line_end].trim();
            if line.is_empty() || line.starts_with('#') {
                at = line_end + 1;
                continue;
            }
            let number = || text[..at].matches('\n').count() + 1;
            let (name, equals) = head(&text, at..line_end).ok_or_else(|| Error::NoAssignment(number()))?;
            let (value, place) = value(&text, equals + 1).ok_or_else(|| Error::OpenQuote(number()))?;
            let rest_end = end_of_line(&text, place.end);
            let rest = &text[place.end..rest_end];
            let is_comment = rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with('#');
            if !rest.trim().is_empty() && !is_comment {
                return Err(Error::AfterQuote(number()));
            }
            assignments.push(Assignment { name: name.to_owned(), value, place });
            at = rest_end + 1;
        }
        Ok(Document { text, assignments })
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.assignments.iter().rfind(|assignment| assignment.name == name).map(|found| found.value.as_str())
    }

    /// All names with their values, in the order in which they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.assignments.iter().map(|assignment| (assignment.name.as_str(), assignment.value.as_str()))
    }

    /// The text with another value for a name: in its place, or as a new line at the end.
    ///
    /// # Errors
    ///
    /// When such files hold no such name or value.
    pub fn with(&self, name: &str, value: &str) -> Result<String, Error> {
        if !is_name(name) {
            return Err(Error::Name(name.to_owned()));
        }
        if value.contains('\0') {
            return Err(Error::Nul);
        }
        let mut text = self.text.clone();
        match self.assignments.iter().rfind(|assignment| assignment.name == name) {
            Some(found) => text.replace_range(found.place.clone(), &written(value)),
            None => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str(&format!("{name}={}\n", written(value)));
            }
        }
        Ok(text)
    }
}

fn end_of_line(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |length| from + length)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// The name that a line begins with, and where its `=` stands.
fn head(text: &str, line: Range<usize>) -> Option<(&str, usize)> {
    let equals = line.start + text[line.clone()].find('=')?;
    let name = text[line.start..equals].trim();
    let name = match name.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim(),
        _ => name,
    };
    is_name(name).then_some((name, equals))
}

/// The value of a line from behind its `=` on, and where it is written; none when a quote does not end.
fn value(text: &str, from: usize) -> Option<(String, Range<usize>)> {
    let line = &text[from..end_of_line(text, from)];
    let start = from + line.find(|c: char| !c.is_whitespace()).unwrap_or(line.len());
    match text.as_bytes().get(start) {
        Some(b'\'') => {
            let end = start + 1 + text[start + 1..].find('\'')?;
            Some((text[start + 1..end].to_owned(), start..end + 1))
        }
        Some(b'"') => {
            let mut value = String::new();
            let mut characters = text[start + 1..].char_indices();
            while let Some((at, character)) = characters.next() {
                match character {
                    '"' => return Some((value, start..start + at + 2)),
                    '\\' => match characters.next()?.1 {
                        'n' => value.push('\n'),
                        'r' => value.push('\r'),
                        't' => value.push('\t'),
                        literal @ ('"' | '\\' | '$') => value.push(literal),
                        other => value.extend(['\\', other]),
                    },
                    other => value.push(other),
                }
            }
            None
        }
        _ => {
            // A `#` begins a comment only behind a blank: colours and addresses have one, too.
            let comment = line.match_indices('#').find(|(at, _)| line[..*at].ends_with(char::is_whitespace));
            let value = line[..comment.map_or(line.len(), |(at, _)| at)].trim();
            let start = if value.is_empty() { from } else { start };
            Some((value.to_owned(), start..start + value.len()))
        }
    }
}

/// A value as it is written: bare where that cannot be misread.
fn written(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=?&~".contains(c);
    if value.chars().all(bare) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\n', '\r']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' | '$' => quoted.extend(['\\', character]),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
