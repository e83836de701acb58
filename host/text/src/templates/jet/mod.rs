//! Jet templates as Jinja templates.
//!
//! | Jet | Jinja |
//! |---|---|
//! | `{{ .user.name }}`, `{{ user.name }}` | `{{ _dot.user.name }}`, `{{ user.name }}` |
//! | `{{ x := e }}` | `{% set x = e %}` |
//! | `{{ x = e }}`, of a variable made outside of a loop | `{% set _box_x.v = e %}`: such variables are boxes |
//! | `{{ if a }}…{{ else if b }}…{{ else }}…{{ end }}` | `{% if a %}…{% elif b %}…{% else %}…{% endif %}` |
//! | `{{ range i, v := xs }}…{{ end }}` | `{% for i, v in _pairs(xs) %}…{% endfor %}` |
//! | `{{ extends "x" }}`, `{{ include "x" ctx }}` | `{% extends "x" %}`, `{% with _dot = ctx %}{% include "x" %}{% endwith %}` |
//! | `{{ block b() }}…{{ end }}`, `{{ yield b() }}` | `{% block b %}…{% endblock %}`, `{{ self.b() }}` |
//! | `{{ e \| f: x }}` | `{{ f(e, x) }}` |
//! | `{* comment *}` | nothing |
//!
//! A tag has as many lines as what it stands for, so that errors name the line of the template.

mod expression;
mod scan;
mod statement;

use super::Delimiters;
use scan::Part;
use statement::Translator;

/// Bytes of one action. Expressions are put together from the inside to the outside, which takes the square of their length.
const MAX_ACTION: usize = 4 << 10;

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) message: String,
}

/// The template in Jinja's syntax.
pub(super) fn translate(text: &str, delimiters: &Delimiters) -> Result<String, Wrong> {
    let parts = scan::parts(text, delimiters)?;
    let mut translator = Translator::new(&parts)?;
    let mut out = String::with_capacity(text.len() * 2);
    for part in &parts {
        match part {
            Part::Text(text) => raw(text, &mut out),
            Part::Comment(text) => newlines(text, &mut out),
            Part::Action(action) => {
                let wrong = |message: String| Wrong { line: action.line, message };
                if action.text.len() > MAX_ACTION {
                    return Err(wrong(format!("an action is longer than {MAX_ACTION} bytes")));
                }
                let tags = translator.translate(action).map_err(wrong)?;
                tags.write(action, &mut out);
            }
        }
    }
    translator.end()?;
    Ok(out)
}

/// Text in which nothing begins a tag, not even together with what follows.
fn raw(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, brace) = rest.split_at(at);
        out.push_str(before);
        let begins_tag = brace[1..].is_empty() || brace[1..].starts_with(['{', '%', '#']);
        out.push_str(if begins_tag { "{{ '{' }}" } else { "{" });
        rest = &brace[1..];
    }
    out.push_str(rest);
}

fn newlines(text: &str, out: &mut String) {
    let count = text.matches('\n').count();
    if count > 0 {
        out.push_str("{#");
        out.extend(std::iter::repeat_n('\n', count));
        out.push_str("#}");
    }
}
