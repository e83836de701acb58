//! What the line editor offers: completion and hints.

use super::{commands, docs};
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use std::borrow::Cow;

/// Words that begin statements and expressions.
const KEYWORDS: [&str; 22] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// From a path of names to those that may follow it.
pub(super) type Names = Box<dyn Fn(&[&str]) -> Vec<String>>;

/// Answers the line editor, on its thread.
pub(super) struct Offers {
    /// Ids of the application's entries, and modules.
    pub(super) entries: Vec<String>,
    pub(super) modules: Vec<String>,
    /// The names that may follow a path of names, as the session knows them.
    pub(super) names: Names,
    pub(super) has_color: bool,
}

/// The parameters of the function that is being called. They are shown, not inserted.
pub(super) struct Parameters(String);

impl Hint for Parameters {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Offers {
    /// Where what is completed begins, and what it may become.
    fn offers(&self, before: &str) -> (usize, Vec<String>) {
        if let Some(command) = before.strip_prefix('.') {
            return match command.strip_prefix("doc ") {
                Some(name) => (".doc ".len(), beginning(docs::names(), name)),
                None => {
                    (1, beginning(commands::COMMANDS.iter().map(|(name, ..)| (*name).to_owned()), command))
                }
            };
        }
        if let Some(at) = open_string(before) {
            let names = self.entries.iter().chain(&self.modules).cloned();
            return (at, beginning(names, &before[at..]));
        }
        let from = before
            .rfind(|c: char| !(c.is_alphanumeric() || "_.:".contains(c)))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let path = &before[from..];
        let last = path.rfind(['.', ':']).map_or(0, |at| at + 1);
        let parents: Vec<&str> = path[..last].split(['.', ':']).filter(|name| !name.is_empty()).collect();
        let mut names = (self.names)(&parents);
        if parents.is_empty() {
            names.extend(KEYWORDS.map(str::to_owned));
        } else if path[..last].ends_with(':') {
            names.retain(|name| name.ends_with('('));
            if names.is_empty() {
                names.extend(docs::methods().map(|name| format!("{name}(")));
            }
        }
        (from + last, beginning(names, &path[last..]))
    }
}

/// The names that begin so, sorted, each once.
fn beginning(names: impl IntoIterator<Item = String>, with: &str) -> Vec<String> {
    let mut found: Vec<String> = names.into_iter().filter(|name| name.starts_with(with)).collect();
    found.sort();
    found.dedup();
    found
}

/// Where the text begins that is open at the end.
fn open_string(before: &str) -> Option<usize> {
    let mut open: Option<(char, usize)> = None;
    let mut characters = before.char_indices();
    while let Some((at, character)) = characters.next() {
        match (open, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some((quote, _)), _) if quote == character => open = None,
            (None, '"' | '\'') => open = Some((character, at + 1)),
            _ => {}
        }
    }
    open.map(|(_, at)| at)
}

impl Completer for Offers {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.offers(&line[..pos]))
    }
}

impl Hinter for Offers {
    type Hint = Parameters;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Parameters> {
        let called = line.get(..pos)?.strip_suffix('(').filter(|_| pos == line.len())?;
        let from = called.rfind(|c: char| !(c.is_alphanumeric() || "_.".contains(c)));
        let name = &called[from.map_or(0, |at| at + called[at..].chars().next().map_or(1, char::len_utf8))..];
        docs::function(name).map(|function| Parameters(format!("{})", docs::parameters(function))))
    }
}

impl Highlighter for Offers {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.has_color { format!("\x1b[2m{hint}\x1b[0m").into() } else { hint.into() }
    }
}

impl Validator for Offers {}
impl Helper for Offers {}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(before: &str) -> (usize, Vec<String>) {
        let names = |path: &[&str]| {
            let names: &[&str] = match path {
                [] => &["json", "print(", "printer"],
                ["json"] => &["decode(", "encode(", "null"],
                _ => &[],
            };
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let entries = vec!["app:hello".to_owned(), "shop:total".to_owned()];
        let modules = vec!["json".to_owned()];
        Offers { entries, modules, names: Box::new(names), has_color: false }.offers(before)
    }

    fn found(at: usize, names: &[&str]) -> (usize, Vec<String>) {
        (at, names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn globals_and_keywords_are_offered_where_a_name_begins() {
        assert_eq!(offers("x = pri"), found(4, &["print(", "printer"]));
        assert_eq!(offers("whi"), found(0, &["while"]));
    }

    #[test]
    fn fields_are_offered_behind_a_dot_and_functions_behind_a_colon() {
        assert_eq!(offers("return json.e"), found(12, &["encode("]));
        assert_eq!(offers("json:"), found(5, &["decode(", "encode("]));
        assert!(
            offers("x.y:rel").1.contains(&"release(".to_owned()),
            "methods of unknown objects are those of all"
        );
    }

    #[test]
    fn entries_and_modules_are_offered_in_texts() {
        assert_eq!(offers("funcs.call(\"shop"), found(12, &["shop:total"]));
        assert_eq!(offers("require 'js"), found(9, &["json"]));
        assert_eq!(offers("'done' .. pri"), found(10, &["print(", "printer"]));
    }

    #[test]
    fn commands_are_offered_behind_a_dot_at_the_beginning() {
        assert_eq!(offers(".re"), found(1, &["reset"]));
        assert_eq!(offers(".doc json.en"), found(5, &["json.encode"]));
    }
}
