//! Patterns in which `*` stands for anything.

/// A text with `*` for any characters, none included: `app:*`, `*.read`, `db.*.get`. Matching takes time linear in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// What stands between the stars.
    parts: Box<[Box<str>]>,
}

impl Glob {
    /// Every text is a pattern.
    pub fn new(pattern: &str) -> Self {
        Glob { parts: pattern.split('*').map(Into::into).collect() }
    }

    /// Whether a text is the parts in order with anything between them.
    pub fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = &*self.parts else {
            return self.parts.first().is_some_and(|whole| **whole == *text);
        };
        let Some(rest) = text.strip_prefix(&**first) else { return false };
        let Some(mut rest) = rest.strip_suffix(&**last) else { return false };
        for part in middle {
            match rest.find(&**part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}
