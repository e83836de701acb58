//! Paths with open segments, as entries write them.
//!
//! | written | matches |
//! |---|---|
//! | `/users/{id}`, `/users/:id` | one segment, whose value the handler reads as `id` |
//! | `/files/{path...}` | all that follows, nothing included; the handler reads it from the request's path |
//! | anything else | itself |

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Bytes of a path that a client sends encoded; the pattern is compared with what it sends.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`');

/// A path with open segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Fixed(String),
    Open(String),
    Rest(String),
}

impl Pattern {
    /// Reads a path that begins with `/`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn parse(path: &str) -> Result<Self, String> {
        let Some(rest) = path.strip_prefix('/') else { return Err("a path begins with `/`".to_owned()) };
        let mut segments: Vec<Segment> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for text in rest.split('/') {
            if let Some(Segment::Rest(name)) = segments.last() {
                return Err(format!("nothing can follow `{{{name}...}}`, which matches all the rest"));
            }
            let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
            let (name, is_rest) = match (inside, text.strip_prefix(':')) {
                (Some(inside), _) => match inside.strip_suffix("...") {
                    Some(name) => (name, true),
                    None => (inside, false),
                },
                (None, Some(name)) => (name, false),
                (None, None) if text.contains(['{', '}']) => {
                    return Err(format!("`{text}`: an open segment is `{{name}}` and nothing else"));
                }
                (None, None) if matches!(text, "." | "..") => {
                    return Err(format!("`{text}` is no segment that a client would ask for"));
                }
                (None, None) if text.contains(['?', '#']) => {
                    return Err(format!("`{text}`: a path has neither query nor fragment"));
                }
                (None, None) => {
                    segments.push(Segment::Fixed(utf8_percent_encode(text, ENCODED).to_string()));
                    continue;
                }
            };
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(format!(
                    "`{text}`: the name of an open segment consists of letters, digits, `_` and `-`"
                ));
            }
            if names.contains(&name) {
                return Err(format!("the name `{name}` is there twice"));
            }
            names.push(name);
            segments.push(if is_rest {
                Segment::Rest(name.to_owned())
            } else {
                Segment::Open(name.to_owned())
            });
        }
        Ok(Pattern { segments })
    }

    /// Reads a path without open segments, and gives it without `/` at its end: `/` becomes empty.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn prefix(path: &str) -> Result<String, String> {
        let pattern = Self::parse(path)?;
        if pattern.segments.iter().any(|segment| !matches!(segment, Segment::Fixed(_))) {
            return Err("a prefix has no open segments".to_owned());
        }
        Ok(pattern.to_string().trim_end_matches('/').to_owned())
    }

    /// Whether it matches all that begins as it does.
    pub(crate) fn has_rest(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::Rest(_)))
    }

    /// This pattern behind a prefix, as the table of routes takes it. With `bare`, what ends in `{rest...}` matches where nothing
    /// remains.
    pub(crate) fn route(&self, prefix: &str, bare: bool) -> String {
        let mut route = prefix.to_owned();
        for segment in &self.segments {
            route.push('/');
            match segment {
                Segment::Fixed(text) => route.push_str(text),
                Segment::Open(name) => route.extend(["{", name, "}"]),
                Segment::Rest(_) if bare => {}
                Segment::Rest(name) => route.extend(["{*", name, "}"]),
            }
        }
        route
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Fixed(text) => write!(f, "/{text}")?,
                Segment::Open(name) => write!(f, "/{{{name}}}")?,
                Segment::Rest(name) => write!(f, "/{{{name}...}}")?,
            }
        }
        Ok(())
    }
}
