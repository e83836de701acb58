//! From a file's tree to settings.

use super::tree::{Content, Node, Pair};
use super::{Assigned, Found};
use crate::ALL;
use crate::code::Code;
use crate::definition::{Definition, Type};
use crate::problem::{Place, Problem, Problems, Text};
use crate::suggest::closest;
use crate::value::{Mistake, Value, quoted};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Keys of files of entries.
const OF_ENTRIES: [&str; 5] = ["entries", "namespace", "version", "kind", "name"];

struct Reader<'a> {
    text: &'a Arc<Text>,
    found: &'a Found,
    assigned: Assigned,
    problems: &'a mut Problems,
}

/// What the tree sets; what is wrong with it joins the problems.
pub(super) fn read(text: &Arc<Text>, root: &Node, found: &Found, problems: &mut Problems) -> Assigned {
    let mut reader = Reader { text, found, assigned: Assigned::new(), problems };
    match &root.content {
        Content::Map(pairs) => reader.section("", pairs),
        _ => {
            let message = format!("settings are a map of keys and values, found {}", kind(root));
            reader.problem(
                Code::WRONG_TYPE,
                &root.span,
                message,
                Some("write `limits: {cpu: 200ms}`".to_owned()),
            );
        }
    }
    reader.assigned
}

impl Reader<'_> {
    fn section(&mut self, section: &str, pairs: &[Pair]) {
        for pair in pairs {
            let key = match section {
                "" => pair.key.clone(),
                section => format!("{section}.{}", pair.key),
            };
            let inside = format!("{key}.");
            if let Some(definition) = crate::find(&key).filter(|_| !pair.key.contains('.')) {
                self.setting(definition, pair);
            } else if ALL.iter().any(|definition| definition.key.starts_with(&inside))
                && !pair.key.contains('.')
            {
                match &pair.value.content {
                    Content::Map(pairs) => self.section(&key, pairs),
                    _ if pair.value.is_nothing() => {}
                    _ => {
                        let found = kind(&pair.value);
                        let message = format!("`{key}` is a section of settings, found {found}");
                        let example = ALL.iter().find(|definition| definition.key.starts_with(&inside));
                        let help = example
                            .map(|example| format!("write `{key}: {{{}: …}}`", &example.key[inside.len()..]));
                        self.problem(Code::WRONG_TYPE, &pair.value.span, message, help);
                    }
                }
            } else {
                self.unknown(section, pair);
            }
        }
    }

    fn setting(&mut self, definition: &'static Definition, pair: &Pair) {
        let key = definition.key;
        if definition.operator && !self.found.named {
            let message = format!(
                "`{key}` cannot be set by the file in the application's folder: what an application brings along must not widen what it may do"
            );
            let config = self.found.path.display();
            let help = format!(
                "use `--{}` or `{}`, or name a file that you trust: `--config {config}`",
                definition.flag(),
                definition.variable()
            );
            self.problem(Code::OPERATOR_ONLY, &pair.key_span, message, Some(help));
            return;
        }
        match value(&definition.ty, &pair.value) {
            Ok(value) => {
                let folder = self.found.path.parent().unwrap_or(Path::new(""));
                let place = self.at(&pair.value.span);
                self.assigned.push((definition, value.within(folder), place));
            }
            Err((mistake, span)) => {
                self.problem(mistake.code, &span, format!("`{key}` {}", mistake.what), mistake.help);
            }
        }
    }

    fn unknown(&mut self, section: &str, pair: &Pair) {
        let name = pair.key.as_str();
        let inside = if section.is_empty() { String::new() } else { format!("{section}.") };
        // Names that may stand here: those of settings and of sections.
        let here: BTreeSet<&str> = ALL
            .iter()
            .filter_map(|definition| definition.key.strip_prefix(inside.as_str()))
            .filter_map(|rest| rest.split('.').next())
            .collect();
        let elsewhere = || {
            ALL.iter().find(|definition| {
                definition.key == name
                    || definition.key == format!("{inside}{name}")
                    || definition.key.rsplit('.').next() == Some(name)
                    || definition.flag() == name
                    || definition.flag().replace('-', "_") == name
            })
        };
        let help = if section.is_empty() && OF_ENTRIES.contains(&name) {
            format!(
                "`{}` holds settings, not entries: give the file of entries another name, such as `_index.yaml`",
                crate::FILE
            )
        } else if let Some(close) = closest(name, here.iter().copied()) {
            format!("did you mean `{close}`?")
        } else if let Some(other) = elsewhere() {
            format!("write `{}`", nested(other))
        } else {
            format!(
                "known are {}",
                here.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            )
        };
        let message = match name.contains('.') {
            true => format!("a key has no dots, found `{}`: sections are nested", name.escape_debug()),
            false => format!("there is no setting `{inside}{}`", name.escape_debug()),
        };
        self.problem(Code::UNKNOWN, &pair.key_span, message, Some(help));
    }

    fn problem(&mut self, code: Code, span: &Range<usize>, message: String, help: Option<String>) {
        let place = self.at(span);
        self.problems.push(Problem::new(code, place, message).maybe_help(help));
    }

    fn at(&self, span: &Range<usize>) -> Place {
        Place::Text { text: self.text.clone(), span: span.clone() }
    }
}

/// `limits: {cpu: …}`
fn nested(definition: &Definition) -> String {
    match definition.key.split_once('.') {
        Some((section, name)) => format!("{section}: {{{name}: …}}"),
        None => format!("{}: …", definition.key),
    }
}

type Wrong = (Mistake, Range<usize>);

fn value(ty: &Type, node: &Node) -> Result<Value, Wrong> {
    let wrong = |mistake| (mistake, node.span.clone());
    match &node.content {
        Content::List(items) if matches!(ty, Type::Texts { .. } | Type::Folders) => {
            let empty = match ty {
                Type::Folders => Value::Paths(Vec::new()),
                _ => Value::Texts(Vec::new()),
            };
            items.iter().try_fold(empty, |all, item| match &item.content {
                Content::Scalar { .. } => Ok(all.joined(value(ty, item)?)),
                _ => Err((Mistake::wrong_type(ty, &format!("{} in it", kind(item))), item.span.clone())),
            })
        }
        Content::Scalar { .. } if node.is_nothing() => {
            let mut mistake = Mistake::wrong_type(ty, "nothing");
            mistake.help = Some("remove the line to have the default".to_owned());
            Err(wrong(mistake))
        }
        Content::Scalar { text, plain: false } if matches!(ty, Type::Bool | Type::Integer { .. }) => {
            let mut mistake = Mistake::wrong_type(ty, &format!("the text {}", quoted(text)));
            mistake.help = Some("write it without quotes".to_owned());
            Err(wrong(mistake))
        }
        // What is short for it elsewhere is a number here.
        Content::Scalar { text, .. } if matches!(ty, Type::Bool) && matches!(text.as_str(), "0" | "1") => {
            Err(wrong(Mistake::wrong_type(ty, text)))
        }
        Content::Scalar { text, .. } => Value::parse(ty, text).map_err(wrong),
        _ => Err(wrong(Mistake::wrong_type(ty, kind(node)))),
    }
}

fn kind(node: &Node) -> &'static str {
    match node.content {
        Content::Scalar { .. } => "a single value",
        Content::List(_) => "a list",
        Content::Map(_) => "a map",
    }
}
