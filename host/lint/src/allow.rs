//! Comments that silence findings: `-- lint: allow L114`, `-- lint: allow-file L114`.

use crate::rule::{self, Rule};
use crate::subject::Findings;
use crate::tree::Span;
use perilune_registry::{Place, Problem, SourceText, did_you_mean, quote};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the comments of a source allow.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    everywhere: BTreeSet<&'static str>,
    lines: BTreeSet<(usize, &'static str)>,
}

impl Allowed {
    /// Reads the comments; those that are misspelt are findings.
    pub(crate) fn read(comments: &[Span], to: &mut Findings<'_, '_>) -> Self {
        let mut allowed = Allowed::default();
        let text = to.subject.text.clone();
        for span in comments {
            let comment = text.text()[span.start..span.end].trim_start_matches('-').trim();
            if let Some(words) = comment.strip_prefix("lint:") {
                allowed.comment(&text, *span, words, to);
            }
        }
        allowed
    }

    fn comment(&mut self, text: &SourceText, span: Span, words: &str, to: &mut Findings<'_, '_>) {
        let mut words = words.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        let is_file = match words.next() {
            Some("allow") => false,
            Some("allow-file") => true,
            word => {
                let word = word.unwrap_or_default();
                let message = format!("{} is neither `allow` nor `allow-file`", quote(word));
                return to.add(rule::COMMENT, span, message, Vec::new());
            }
        };
        // Behind the codes there may be a reason.
        let codes: Vec<&str> = words.take_while(|word| looks_like_code(word)).collect();
        if codes.is_empty() {
            return to.add(rule::COMMENT, span, "no code is named", Vec::new());
        }
        for code in codes {
            match Rule::of(code) {
                None => {
                    let close = did_you_mean(code, rule::RULES.iter().map(|rule| rule.code));
                    let message = format!("there is no rule {}", quote(code));
                    to.add(rule::COMMENT, span, message, close.into_iter().collect());
                }
                Some(rule) if is_file => {
                    self.everywhere.insert(rule.code);
                }
                Some(rule) => {
                    self.lines.insert((line_of(text, span), rule.code));
                }
            }
        }
    }

    /// Whether comments silence a finding of the source's entry.
    pub(crate) fn covers(&self, problem: &Problem, source: &Arc<SourceText>) -> bool {
        if self.everywhere.contains(problem.code().as_str()) {
            return true;
        }
        match problem.place() {
            Place::Text { text, span } if Arc::ptr_eq(text, source) => {
                self.lines.contains(&(text.line_of(span.start), problem.code().as_str()))
            }
            _ => false,
        }
    }
}

/// The line that a comment is about: its own, or the next with code where it stands alone.
fn line_of(text: &SourceText, span: Span) -> usize {
    let line = text.line_of(span.start);
    let own = text.line_span(line);
    if !text.text()[own.start..span.start].trim().is_empty() {
        return line;
    }
    // Comments in a row are about the same line; a row has an end.
    const MAX_ROW: usize = 100;
    let is_code = |line: &usize| {
        let content = text.text()[text.line_span(*line)].trim();
        !content.is_empty() && !content.starts_with("--")
    };
    (line + 1..=line + MAX_ROW).find(is_code).unwrap_or(line + 1)
}

fn looks_like_code(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.clone().count() > 0
        && letters.all(|letter| letter.is_ascii_digit())
}
