//! Inputs as chunks.

use perilune_value::{Failure, Value};

/// An input and where it stands.
pub(super) struct Wording<'a> {
    /// What errors call the place.
    pub(super) name: &'a str,
    /// The line that it begins in.
    pub(super) line: usize,
    pub(super) text: &'a str,
}

impl Wording<'_> {
    /// The input as statements, on its lines.
    pub(super) fn statement(&self) -> String {
        format!("{}{}", self.lines(), self.text)
    }

    /// The input as an expression.
    pub(super) fn expression(&self) -> String {
        format!("{}return {}", self.lines(), self.text)
    }

    /// A chunk that has the session run the input as statements. Only a complete input may stand in it.
    pub(super) fn statements_chunk(&self) -> String {
        self.chunk(self.text)
    }

    /// A chunk that has the session run the input as an expression.
    pub(super) fn expression_chunk(&self) -> String {
        let text = self.text.trim_end().trim_end_matches(';');
        self.chunk(&format!("return __values({text}\n)"))
    }

    fn chunk(&self, body: &str) -> String {
        let lines = self.lines();
        format!(
            "return session.accept(require, function(_ENV, __values) return function(...) {lines}{body}\nend end)"
        )
    }

    /// What makes errors name the line that a reader sees.
    fn lines(&self) -> String {
        "\n".repeat(self.line.saturating_sub(1))
    }
}

/// Whether what the parser misses may still follow.
pub(super) fn is_unfinished(failure: &Failure) -> bool {
    let near = failure.details.as_ref().and_then(|details| details.get("near"));
    near.and_then(Value::as_str) == Some("<eof>")
}

/// The texts that `require` is called with literally: as `require("x")`, `require 'x'` or `require[[x]]`.
pub(super) fn required(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, word) in text.match_indices("require") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let rest = text[at + word.len()..].trim_start();
        let rest = rest.strip_prefix('(').unwrap_or(rest).trim_start();
        let literal = [("\"", "\""), ("'", "'"), ("[[", "]]")]
            .into_iter()
            .find_map(|(begin, end)| Some(rest.strip_prefix(begin)?.split_once(end)?.0));
        found.extend(literal.filter(|name| !name.is_empty() && !found.contains(name)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_literally_is_found() {
        let text = "local a, b = require 'a', require( \"app:b\" ) require[[c]] require(name) xrequire('d') require('a')";
        assert_eq!(required(text), ["a", "app:b", "c"]);
    }

    #[test]
    fn what_is_no_text_is_passed_over() {
        for text in ["require", "require(", "require('x", "require ''"] {
            assert!(required(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn errors_name_the_line_of_the_input() {
        let wording = Wording { name: "stdin", line: 3, text: "x" };
        assert_eq!(wording.statement(), "\n\nx");
        assert!(wording.chunk("x").starts_with(
            "return session.accept(require, function(_ENV, __values) return function(...) \n\nx\nend"
        ));
    }
}
