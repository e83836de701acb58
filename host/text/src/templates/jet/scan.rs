//! A template's text, actions and comments.

use super::{Delimiters, Wrong};

/// One part of a template.
pub(super) enum Part<'a> {
    Text(&'a str),
    Comment(&'a str),
    Action(Action<'a>),
}

/// What stands between delimiters.
#[derive(Clone, Copy)]
pub(super) struct Action<'a> {
    pub(super) text: &'a str,
    /// Of its first delimiter, counted from 1.
    pub(super) line: usize,
    /// `{{-`: white space before it goes.
    pub(super) trims_before: bool,
    /// `-}}`
    pub(super) trims_after: bool,
}

pub(super) fn parts<'a>(text: &'a str, delimiters: &Delimiters) -> Result<Vec<Part<'a>>, Wrong> {
    let Delimiters { left, right, comment_left, comment_right } = delimiters;
    let mut parts = Vec::new();
    let (mut rest, mut line) = (text, 1);
    loop {
        let action = rest.find(left.as_str()).map(|at| (at, false));
        let comment = rest.find(comment_left.as_str()).map(|at| (at, true));
        // Where both begin, the longer delimiter is meant.
        let first = [action, comment].into_iter().flatten().min_by_key(|(at, is_comment)| {
            (*at, std::cmp::Reverse(if *is_comment { comment_left.len() } else { left.len() }))
        });
        let Some((at, is_comment)) = first else {
            parts.push(Part::Text(rest));
            return Ok(parts);
        };
        let (before, after) = rest.split_at(at);
        parts.push(Part::Text(before));
        line += lines(before);
        let (opening, closing) = if is_comment { (comment_left, comment_right) } else { (left, right) };
        let after = &after[opening.len()..];
        let end =
            if is_comment { after.find(closing.as_str()) } else { find_outside_strings(after, closing) };
        let Some(end) = end else {
            let what = if is_comment { "comment" } else { "action" };
            return Err(Wrong { line, message: format!("this {what} lacks its `{closing}`") });
        };
        let inside = &after[..end];
        if is_comment {
            parts.push(Part::Comment(inside));
        } else {
            parts.push(Part::Action(action_of(inside, line)));
        }
        line += lines(inside);
        rest = &after[end + closing.len()..];
    }
}

fn lines(text: &str) -> usize {
    text.matches('\n').count()
}

/// Where a mark first stands in an action; in its strings it is text.
pub(super) fn find_outside_strings(text: &str, mark: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            None if text[at..].starts_with(mark) => return Some(at),
            None if matches!(c, '"' | '`') => quote = Some(c),
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

fn action_of(inside: &str, line: usize) -> Action<'_> {
    let opened =
        inside.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
    let text = opened.unwrap_or(inside);
    let closed = text.strip_suffix('-').filter(|rest| rest.is_empty() || rest.ends_with(char::is_whitespace));
    Action {
        text: closed.unwrap_or(text),
        line,
        trims_before: opened.is_some(),
        trims_after: closed.is_some(),
    }
}
