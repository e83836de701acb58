//! Expressions of policies: `actor.meta.level >= 3 && meta.owner == actor.id`.
//!
//! The language is expr-lang without what could take time or memory out of proportion to its text: an expression is asked at
//! each guarded action, on a thread that nothing can interrupt. It has no loops, no blocks and no ranges; regular expressions
//! stand in it literally, and functions are those of [`FUNCTIONS`].

use crate::Question;
use crate::condition::regex;
use expr::{Context, Program, Value as Term};
use perilune_value::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Bytes of an expression, texts in it included.
const LONGEST: usize = 4096;
/// Names, numbers, texts and signs. Evaluation recurses once for two of them at worst, and the stack of a cell's turn has room for
/// some 1 MiB of host code: 100 levels take a third of that (`the_deepest_expression_fits_the_stack`).
const MOST_TOKENS: usize = 200;
/// Parentheses, brackets and questions: the parser recurses some twenty calls deep for each.
const MOST_NESTED: usize = 32;
/// Regular expressions, each of which takes memory as long as the policy exists.
const MOST_PATTERNS: usize = 8;

/// What an expression may call: all take time linear in their arguments, and give back no more than they got.
const FUNCTIONS: [&str; 17] = [
    "abs",
    "ceil",
    "float",
    "floor",
    "get",
    "hasPrefix",
    "hasSuffix",
    "indexOf",
    "int",
    "keys",
    "lastIndexOf",
    "len",
    "lower",
    "round",
    "trimPrefix",
    "trimSuffix",
    "upper",
];

/// Words that may stand before a parenthesis without being functions.
const WORDS: [&str; 7] = ["and", "contains", "endsWith", "in", "not", "or", "startsWith"];

/// A compiled expression.
pub(crate) struct Expression {
    text: String,
    program: Program,
}

impl Expression {
    /// Compiles a text; the error says what is wrong with it.
    pub(crate) fn compile(text: &str) -> Result<Self, String> {
        survey(text)?;
        // A policy is read when it is first asked, perhaps on the stack of a cell: the parser takes that for the end of its
        // thread's.
        let compiled = thread::scope(|scope| scope.spawn(|| expr::compile(text)).join());
        let program = match compiled {
            Ok(Ok(program)) => program,
            Ok(Err(error)) => return Err(explained(text, &error.to_string())),
            Err(_) => return Err("the expression is not valid".to_owned()),
        };
        Ok(Expression { text: text.to_owned(), program })
    }

    /// Whether it holds; `None` where it fails or gives no truth value.
    pub(crate) fn holds(&self, question: &Question<'_>) -> Option<bool> {
        let actor = [("id", Term::from(question.actor.id.as_str())), ("meta", term(&question.actor.meta))];
        let mut context = Context::default();
        context.insert(
            "actor",
            Term::Map(actor.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        );
        context.insert("action", question.action);
        context.insert("resource", question.resource);
        context.insert("meta", term(question.meta));
        // A defect of the evaluator must not end the call, and must not let it pass either.
        let evaluated = catch_unwind(AssertUnwindSafe(|| expr::run(&self.program, &context)));
        match evaluated {
            Ok(Ok(Term::Bool(holds))) => Some(holds),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// What a parser says that knows rules of a grammar alone, and a place: `--> 1:10`.
fn explained(text: &str, error: &str) -> String {
    let place = error.split_once("--> ").and_then(|(_, rest)| rest.lines().next()?.split_once(':'));
    let place =
        place.and_then(|(line, column)| Some((line.parse::<usize>().ok()?, column.parse::<usize>().ok()?)));
    let Some((line, column)) = place else { return "the expression is not valid".to_owned() };
    let rest = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let rest: String = rest.chars().skip(column.saturating_sub(1)).take(20).collect();
    match rest.trim().is_empty() {
        true => "the expression is not valid: it ends where something is expected".to_owned(),
        false => format!(
            "the expression is not valid: `{rest}` is not expected there (line {line}, column {column})"
        ),
    }
}

/// Values nest 128 deep at most.
fn term(value: &Value) -> Term {
    match value {
        Value::Nil | Value::Error(_) => Term::Nil,
        Value::Bool(value) => Term::Bool(*value),
        Value::Integer(value) => Term::Integer(*value),
        Value::Float(value) => Term::Float(*value),
        Value::String(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Term::from(text),
            Err(_) => Term::Bytes(bytes.clone()),
        },
        Value::Array(items) => Term::Array(items.iter().map(term).collect()),
        Value::Map(fields) => Term::Map(
            fields.iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), term(value)))).collect(),
        ),
    }
}

/// Refuses what the language allows and a policy does not.
fn survey(text: &str) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("the expression is longer than {LONGEST} bytes"));
    }
    let mut scanner = Scanner { rest: text };
    let (mut tokens, mut nested, mut patterns) = (0, 0, 0);
    let mut before = Token::Sign('(');
    while let Some(token) = scanner.next()? {
        tokens += 1;
        match &token {
            Token::Sign('(' | '[' | '?') => nested += 1,
            Token::Sign(sign @ ('{' | '}' | ';' | '#')) => {
                return Err(format!("an expression of a policy has no blocks and no loops, so no `{sign}`"));
            }
            Token::Sign('.') if scanner.rest.starts_with('.') => {
                return Err("an expression of a policy has no ranges (`..`)".to_owned());
            }
            Token::Sign('/') if scanner.rest.starts_with(['/', '*']) => {
                return Err("an expression of a policy has no comments".to_owned());
            }
            Token::Word("matches") if !matches!(before, Token::Sign('.')) => {
                patterns += 1;
                literal_pattern(&mut scanner)?;
            }
            Token::Word(word) => check_word(word, &before, scanner.rest)?,
            Token::Sign(_) | Token::Text(_) => {}
        }
        before = token;
    }
    for (count, most, what) in [
        (tokens, MOST_TOKENS, "names, texts and signs"),
        (nested, MOST_NESTED, "parentheses, brackets and questions"),
        (patterns, MOST_PATTERNS, "regular expressions"),
    ] {
        if count > most {
            return Err(format!("the expression has {count} {what}; at most {most} are allowed"));
        }
    }
    Ok(())
}

/// The parser takes words apart where one begins with another: `1or2`, `truex`. Here they are refused, so that what was counted
/// is what it sees.
fn check_word(word: &str, before: &Token<'_>, after: &str) -> Result<(), String> {
    let is_member = matches!(before, Token::Sign('.'));
    let is_call = after.trim_start().starts_with('(');
    let glued = |known: &str| word != known && word.starts_with(known);
    if word.starts_with(|first: char| first.is_ascii_digit())
        && !word.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, 'x' | 'X' | 'o' | 'O' | '_'))
    {
        return Err(format!("`{word}` is no number"));
    }
    if !is_member && ["true", "false", "nil", "matches"].into_iter().any(glued) {
        return Err(format!("`{word}` cannot be told from two words: put a space between them"));
    }
    if is_call && (is_member || !FUNCTIONS.contains(&word)) && !WORDS.contains(&word) {
        let known = FUNCTIONS.map(|name| format!("`{name}`")).join(", ");
        return Err(format!("there is no function `{word}` for policies; known are {known}"));
    }
    Ok(())
}

/// After `matches` comes a text, and after that the expression goes on with something that does not make it part of a larger
/// one: what is compiled at each question could be chosen to take long.
fn literal_pattern(scanner: &mut Scanner<'_>) -> Result<(), String> {
    let Some(Token::Text(pattern)) = scanner.next()? else {
        return Err("after `matches` stands the regular expression itself, as a text".to_owned());
    };
    let after = scanner.rest.trim_start();
    let ends = after.is_empty()
        || [")", "]", ",", ":", "&&", "||", "and", "or"].into_iter().any(|end| after.starts_with(end));
    if !ends {
        return Err(
            "after the regular expression of `matches` the expression must end or go on with `&&` or `||`"
                .to_owned(),
        );
    }
    regex(&pattern).map(drop)
}

enum Token<'a> {
    /// A name, a keyword or a number.
    Word(&'a str),
    /// What a quoted text stands for.
    Text(String),
    Sign(char),
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, String> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        if matches!(first, '"' | '\'' | '`') {
            return self.text(first).map(|text| Some(Token::Text(text)));
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
        if is_word(first) {
            let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            let (word, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Ok(Some(Token::Word(word)));
        }
        self.rest = &self.rest[first.len_utf8()..];
        Ok(Some(Token::Sign(first)))
    }

    fn text(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Ok(text);
                }
                '\\' if quote != '`' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, escaped @ ('"' | '\'' | '\\' | '/'))) => text.push(escaped),
                    _ => {
                        return Err(
                            "texts know the escapes `\\\\`, `\\\"`, `\\'`, `\\/`, `\\n`, `\\r` and `\\t`"
                                .to_owned(),
                        );
                    }
                },
                c => text.push(c),
            }
        }
        Err("a text lacks its closing quote".to_owned())
    }
}
