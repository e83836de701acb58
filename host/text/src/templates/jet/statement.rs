//! Actions of a Jet template as tags of a Jinja template.

use super::Wrong;
use super::expression::{Boxes, Parser, Token, boxed};
use super::scan::{Action, Part, find_outside_strings};
use crate::templates::functions::{PAIRS, VALUES};
use crate::templates::values::DOT;
use std::collections::BTreeSet;

/// What an action becomes: tags without white space between them.
pub(super) struct Tags(Vec<Tag>);

enum Tag {
    /// `{{ … }}`
    Value(String),
    /// `{% … %}`
    Statement(String),
}

impl Tags {
    /// Writes them on as many lines as the action has.
    pub(super) fn write(&self, action: &Action<'_>, out: &mut String) {
        let last = self.0.len().saturating_sub(1);
        for (index, tag) in self.0.iter().enumerate() {
            let (open, text, close) = match tag {
                Tag::Value(text) => ("{{", text, "}}"),
                Tag::Statement(text) => ("{%", text, "%}"),
            };
            let before = if index == 0 && action.trims_before { "-" } else { "" };
            let after = if index == last && action.trims_after { "-" } else { "" };
            out.extend([open, before, " ", text, " "]);
            if index == last {
                out.extend(std::iter::repeat_n('\n', action.text.matches('\n').count()));
            }
            out.extend([after, close]);
        }
    }
}

/// What an `end` ends.
struct Open {
    what: &'static str,
    line: usize,
    ends: Vec<&'static str>,
    has_else: bool,
}

pub(super) struct Translator {
    open: Vec<Open>,
    boxes: Boxes,
}

/// Blocks in blocks. The engine's own parser allows 150.
const MAX_NESTING: usize = 100;

impl Translator {
    /// Looks all actions through for variables that are changed after they were made.
    pub(super) fn new(parts: &[Part<'_>]) -> Result<Self, Wrong> {
        let (mut made, mut changed) = (BTreeSet::new(), BTreeSet::new());
        for part in parts {
            let Part::Action(action) = part else { continue };
            match assignment(action.text) {
                Some((name, ":=", _)) => {
                    made.insert(name.to_owned());
                }
                Some((name, _, _)) if !made.contains(name) => {
                    let message = format!("`{name}` is changed but was not made; make it with `{name} := …`");
                    return Err(Wrong { line: action.line, message });
                }
                Some((name, _, _)) => {
                    changed.insert(name.to_owned());
                }
                None => {}
            }
        }
        Ok(Translator { open: Vec::new(), boxes: Boxes(changed) })
    }

    pub(super) fn translate(&mut self, action: &Action<'_>) -> Result<Tags, String> {
        let text = action.text.trim();
        if text.is_empty() {
            return Err("this action is empty".to_owned());
        }
        if let Some((name, operator, value)) = assignment(text) {
            return Ok(Tags(vec![Tag::Statement(self.assign(name, operator, value)?)]));
        }
        let (word, rest) = keyword(text);
        match word {
            "if" => self.begin_if(rest, action.line),
            "else" => self.other(rest),
            "range" => self.begin_range(rest, action.line),
            "block" => self.begin_block(rest, action.line),
            "end" if rest.is_empty() => self.end_one(),
            "yield" => self.call_block(rest),
            "include" => self.include(rest),
            "extends" => {
                let mut parser = self.parser(rest)?;
                let name =
                    parser.text().ok_or("`extends` is followed by the name of a template in quotes")?;
                parser.end()?;
                Ok(Tags(vec![Tag::Statement(format!("extends {name}"))]))
            }
            "import" | "try" | "catch" | "return" | "content" if rest.is_empty() || word != "content" => {
                Err(format!("`{word}` is not supported"))
            }
            _ => {
                let value = self.parser(text)?.whole()?;
                Ok(Tags(vec![Tag::Value(value)]))
            }
        }
    }

    /// After the last action.
    pub(super) fn end(&self) -> Result<(), Wrong> {
        match self.open.last() {
            None => Ok(()),
            Some(open) => {
                Err(Wrong { line: open.line, message: format!("this `{}` lacks its `end`", open.what) })
            }
        }
    }

    fn parser<'a>(&'a self, text: &'a str) -> Result<Parser<'a>, String> {
        Parser::new(text, &self.boxes)
    }

    fn assign(&self, name: &str, operator: &str, value: &str) -> Result<String, String> {
        let value = self.parser(value)?.whole()?;
        Ok(match (self.boxes.0.contains(name), operator) {
            (false, _) => format!("set {} = {value}", super::expression::name(name)?),
            (true, ":=") => format!("set {} = namespace(v={value})", boxed(name)),
            (true, _) => format!("set {}.v = {value}", boxed(name)),
        })
    }

    fn begin(&mut self, what: &'static str, line: usize, ends: Vec<&'static str>) -> Result<(), String> {
        if self.open.len() >= MAX_NESTING {
            return Err(format!("more than {MAX_NESTING} actions within one another wait for their `end`"));
        }
        self.open.push(Open { what, line, ends, has_else: false });
        Ok(())
    }

    fn begin_if(&mut self, rest: &str, line: usize) -> Result<Tags, String> {
        let mut tags = Vec::new();
        let mut condition = rest;
        // `if x := e; x`
        if let Some((name, ":=", value)) = assignment(rest)
            && let Some((value, after)) = split_outside_strings(value, ";")
        {
            tags.push(Tag::Statement(self.assign(name, ":=", value)?));
            condition = after;
        }
        tags.push(Tag::Statement(format!("if {}", self.parser(condition)?.whole()?)));
        self.begin("if", line, vec!["endif"])?;
        Ok(Tags(tags))
    }

    fn other(&mut self, rest: &str) -> Result<Tags, String> {
        let tag = match keyword(rest) {
            ("", _) => "else".to_owned(),
            ("if", condition) => format!("elif {}", self.parser(condition)?.whole()?),
            _ => return Err("`else` is followed by nothing or by `if`".to_owned()),
        };
        let open = self.open.last_mut().filter(|open| matches!(open.what, "if" | "range"));
        let open = open.ok_or("`else` stands in neither an `if` nor a `range`")?;
        if open.has_else {
            return Err("nothing can follow the `else` of this block but its `end`".to_owned());
        }
        if tag != "else" && open.what == "range" {
            return Err("`else if` stands in no `if`".to_owned());
        }
        open.has_else = tag == "else";
        Ok(Tags(vec![Tag::Statement(tag)]))
    }

    fn begin_range(&mut self, rest: &str, line: usize) -> Result<Tags, String> {
        let (names, list) = match split_outside_strings(rest, ":=") {
            Some((names, list)) => (names.split(',').map(str::trim).collect(), list),
            None => (Vec::new(), rest),
        };
        for name in &names {
            if self.boxes.0.contains(*name) {
                return Err(format!(
                    "`{name}` of this `range` is changed elsewhere; name one of the two differently"
                ));
            }
        }
        let list = self.parser(list)?.whole()?;
        let name = super::expression::name;
        let tag = match names[..] {
            [] => format!("for {DOT} in {VALUES}({list})"),
            [index] => format!("for {}, {DOT} in {PAIRS}({list})", name(index)?),
            [index, value] => format!("for {}, {} in {PAIRS}({list})", name(index)?, name(value)?),
            _ => return Err("`range` has at most two variables".to_owned()),
        };
        self.begin("range", line, vec!["endfor"])?;
        Ok(Tags(vec![Tag::Statement(tag)]))
    }

    /// `block name(a, b="x") ctx`
    fn begin_block(&mut self, rest: &str, line: usize) -> Result<Tags, String> {
        let mut parser = self.parser(rest)?;
        let block = parser.name().ok_or("`block` is followed by a name and parentheses")?;
        let parameters = parser.named_arguments()?;
        let context = parser.rest()?;
        let mut tags = Vec::new();
        let mut ends = vec!["endblock"];
        if let Some(context) = context {
            tags.push(Tag::Statement(format!("with {DOT} = {context}")));
            ends.push("endwith");
        }
        tags.push(Tag::Statement(format!("block {block}")));
        for (name, default) in parameters {
            if let Some(default) = default {
                tags.push(Tag::Statement(format!("set {name} = {name} if {name} is defined else {default}")));
            }
        }
        self.begin("block", line, ends)?;
        Ok(Tags(tags))
    }

    /// `yield name(a=1) ctx`
    fn call_block(&mut self, rest: &str) -> Result<Tags, String> {
        let mut parser = self.parser(rest)?;
        let block = parser.name().ok_or("`yield` is followed by the name of a block and parentheses")?;
        if block == "content" && parser.peek() != Some(&Token::Symbol("(")) {
            return Err("`yield content` is not supported".to_owned());
        }
        let mut sets = Vec::new();
        for (name, value) in parser.named_arguments()? {
            let value = value.ok_or_else(|| format!("write `{name}=…`: arguments of `yield` have names"))?;
            sets.push(format!("{name} = {value}"));
        }
        if let Some(context) = parser.rest()? {
            sets.push(format!("{DOT} = {context}"));
        }
        Ok(within(&sets, Tag::Value(format!("self.{block}()"))))
    }

    fn include(&mut self, rest: &str) -> Result<Tags, String> {
        let mut parser = self.parser(rest)?;
        let template = parser.operand()?;
        let sets: Vec<String> =
            parser.rest()?.map(|context| format!("{DOT} = {context}")).into_iter().collect();
        Ok(within(&sets, Tag::Statement(format!("include {template}"))))
    }

    fn end_one(&mut self) -> Result<Tags, String> {
        let open = self.open.pop().ok_or("this `end` ends nothing")?;
        Ok(Tags(open.ends.into_iter().map(|end| Tag::Statement(end.to_owned())).collect()))
    }
}

fn split_outside_strings<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = find_outside_strings(text, mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}

fn within(sets: &[String], tag: Tag) -> Tags {
    if sets.is_empty() {
        return Tags(vec![tag]);
    }
    let begin = Tag::Statement(format!("with {}", sets.join(", ")));
    Tags(vec![begin, tag, Tag::Statement("endwith".to_owned())])
}

/// The first word of an action, and the rest.
fn keyword(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim())
}

/// Variable, operator and value of `x := e` and `x = e`.
fn assignment(text: &str) -> Option<(&str, &'static str, &str)> {
    let (name, rest) = keyword(text.trim());
    let operator = if rest.starts_with(":=") {
        ":="
    } else if rest.starts_with('=') && !rest.starts_with("==") {
        "="
    } else {
        return None;
    };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then(|| (name, operator, rest[operator.len()..].trim()))
}
