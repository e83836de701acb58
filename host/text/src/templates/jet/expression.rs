//! Jet's expressions as Jinja's.

use crate::templates::functions::{DIVIDE, FUNCTIONS};
use crate::templates::values::DOT;
use std::collections::BTreeSet;

/// Variables that are changed after they were made: each is a box, since loops have variables of their own in Jinja.
pub(super) struct Boxes(pub(super) BTreeSet<String>);

/// What holds a variable that is changed.
pub(super) fn boxed(name: &str) -> String {
    format!("_box_{name}")
}

/// Words that Jinja does not take for names.
const RESERVED: [&str; 15] = [
    "True", "False", "None", "and", "else", "false", "if", "in", "is", "loop", "none", "not", "or", "self",
    "true",
];

/// A name that means the same in Jinja.
pub(super) fn name(name: &str) -> Result<&str, String> {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_name = begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match name {
        _ if !is_name => Err(format!("`{name}` is not a name")),
        _ if RESERVED.contains(&name) => Err(format!("`{name}` is a word of its own; name it differently")),
        _ if name.starts_with(DOT) || name.starts_with("_box_") => {
            Err(format!("names like `{name}` are taken; name it differently"))
        }
        _ => Ok(name),
    }
}

/// Brackets within brackets.
const MAX_DEPTH: usize = 50;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// As Jinja writes it.
    Literal(String),
    /// A string; as Jinja writes it.
    Text(String),
    Symbol(&'static str),
}

const SYMBOLS: [&str; 26] = [
    ":=", "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", "(", ")",
    "[", "]", ",", ".", "|", "=", ";",
];

/// A `.` after white space: it begins another operand, as in `include "x" .user`.
const DETACHED_DOT: &str = " .";

const TOO_EARLY: &str = "the expression ends too early";

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    let mut detached = true;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let (text, length) = quoted(rest)?;
                tokens.push(Token::Text(literal(&text)));
                length
            }
            '`' => {
                let end = rest[1..].find('`').ok_or(TOO_EARLY)?;
                tokens.push(Token::Text(literal(&rest[1..=end])));
                end + 2
            }
            c if c.is_ascii_digit() => {
                let number = number(rest);
                tokens.push(Token::Literal(number.to_owned()));
                number.len()
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                tokens.push(Token::Name(rest[..end].to_owned()));
                end
            }
            '.' if detached => {
                tokens.push(Token::Symbol(DETACHED_DOT));
                1
            }
            other => {
                let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
                let symbol = symbol.ok_or_else(|| format!("{other:?} has no meaning here"))?;
                tokens.push(Token::Symbol(symbol));
                symbol.len()
            }
        };
        rest = &rest[length..];
        detached = rest.starts_with(char::is_whitespace);
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// `12`, `1.5`; `1.name` is no number.
fn number(text: &str) -> &str {
    let digits = |from: usize| from + text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(0);
    let is_float =
        text[whole..].starts_with('.') && text[whole + 1..].starts_with(|c: char| c.is_ascii_digit());
    &text[..if is_float { digits(whole + 1) } else { whole }]
}

/// The string that a text begins with, and how long it is with its quotes.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((out, at + 1)),
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, c @ ('"' | '\\' | '\''))) => out.push(c),
                Some((_, other)) => return Err(format!("there is no escape `\\{other}`")),
                None => break,
            },
            other => out.push(other),
        }
    }
    Err(TOO_EARLY.to_owned())
}

/// A string as Jinja writes it, on one line.
fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // No tag ends inside of a string, but a reader of the translation should not have to know.
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// An expression in Jinja's syntax, and how tightly it holds together.
struct Built {
    text: String,
    level: Level,
}

/// Jinja's levels, the loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Ternary,
    Or,
    And,
    Not,
    Compare,
    Sum,
    Product,
    Sign,
    Single,
}

impl Built {
    fn single(text: String) -> Self {
        Built { text, level: Level::Single }
    }

    /// The text, in parentheses where a level asks for more than it has.
    fn at(self, level: Level) -> String {
        if self.level >= level { self.text } else { format!("({})", self.text) }
    }
}

/// Binary operators by level of Jet, the loosest first: symbols, and Jinja's counterpart.
const BINARY: [&[(&str, &str)]; 6] = [
    &[("||", "or")],
    &[("&&", "and")],
    &[("==", "=="), ("!=", "!=")],
    &[("<=", "<="), (">=", ">="), ("<", "<"), (">", ">")],
    &[("+", "+"), ("-", "-")],
    &[("*", "*"), ("/", "/"), ("%", "%")],
];

pub(super) struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    boxes: &'a Boxes,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &str, boxes: &'a Boxes) -> Result<Self, String> {
        Ok(Parser { tokens: tokens(text)?.into_iter().peekable(), boxes, depth: 0 })
    }

    pub(super) fn peek(&mut self) -> Option<&Token> {
        self.tokens.peek()
    }

    /// An expression with pipes, and nothing after it.
    pub(super) fn whole(&mut self) -> Result<String, String> {
        let built = self.piped()?;
        self.end()?;
        Ok(built.text)
    }

    /// [`Parser::whole`], if there is anything.
    pub(super) fn rest(&mut self) -> Result<Option<String>, String> {
        if self.tokens.peek().is_none() { Ok(None) } else { self.whole().map(Some) }
    }

    /// An expression that another may follow.
    pub(super) fn operand(&mut self) -> Result<String, String> {
        Ok(self.ternary()?.at(Level::Or))
    }

    pub(super) fn end(&mut self) -> Result<(), String> {
        match self.tokens.next() {
            None => Ok(()),
            Some(token) => Err(format!("{} is not expected here", shown(&token))),
        }
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let token = self.tokens.next_if(|token| matches!(token, Token::Name(_)))?;
        if let Token::Name(name) = token { Some(name) } else { None }
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let token = self.tokens.next_if(|token| matches!(token, Token::Text(_)))?;
        if let Token::Text(text) = token { Some(text) } else { None }
    }

    /// `(a, b=1)`: names, with values where there are any.
    pub(super) fn named_arguments(&mut self) -> Result<Vec<(String, Option<String>)>, String> {
        let mut arguments = Vec::new();
        self.expect("(")?;
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            let name = self.name().ok_or("a name is expected in these parentheses")?;
            self::name(&name)?;
            let value = if self.take("=") { Some(self.ternary()?.at(Level::Or)) } else { None };
            arguments.push((name, value));
            if !self.take(",") {
                self.expect(")")?;
                return Ok(arguments);
            }
        }
    }

    fn take(&mut self, symbol: &'static str) -> bool {
        self.tokens.next_if_eq(&Token::Symbol(symbol)).is_some()
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), String> {
        if self.take(symbol) {
            return Ok(());
        }
        match self.tokens.peek() {
            Some(token) => Err(format!("`{symbol}` is expected in place of {}", shown(token))),
            None => Err(format!("`{symbol}` is expected at the end")),
        }
    }

    fn piped(&mut self) -> Result<Built, String> {
        let mut built = self.ternary()?;
        while self.take("|") {
            let name = self.name().ok_or("the name of a function is expected after `|`")?;
            let mut arguments = vec![built.text];
            if self.take(":") {
                self.arguments(&mut arguments)?;
            } else if self.take("(") && !self.take(")") {
                self.arguments(&mut arguments)?;
                self.expect(")")?;
            }
            built = call(&name, &arguments)?;
        }
        Ok(built)
    }

    fn arguments(&mut self, arguments: &mut Vec<String>) -> Result<(), String> {
        loop {
            arguments.push(self.ternary()?.text);
            if !self.take(",") {
                return Ok(());
            }
        }
    }

    fn ternary(&mut self) -> Result<Built, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("an expression nests deeper than {MAX_DEPTH} levels"));
        }
        let condition = self.binary(0)?;
        let built = if self.take("?") {
            let yes = self.ternary()?.at(Level::Or);
            self.expect(":")?;
            let no = self.ternary()?.at(Level::Or);
            Built { text: format!("{yes} if {} else {no}", condition.at(Level::Or)), level: Level::Ternary }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(built)
    }

    fn binary(&mut self, level: usize) -> Result<Built, String> {
        let Some(operators) = BINARY.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        'next: loop {
            for (symbol, operator) in *operators {
                if self.take(symbol) {
                    let right = self.binary(level + 1)?;
                    left = combine(left, operator, right, level);
                    continue 'next;
                }
            }
            return Ok(left);
        }
    }

    fn unary(&mut self) -> Result<Built, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("an expression nests deeper than {MAX_DEPTH} levels"));
        }
        let built = if self.take("!") {
            let of = self.unary()?.at(Level::Not);
            Built { text: format!("not {of}"), level: Level::Not }
        } else if self.take("-") {
            let of = self.unary()?.at(Level::Single);
            Built { text: format!("-{of}"), level: Level::Sign }
        } else if self.take("+") {
            self.unary()?
        } else {
            self.postfix()?
        };
        self.depth -= 1;
        Ok(built)
    }

    fn postfix(&mut self) -> Result<Built, String> {
        let mut built = self.primary()?;
        loop {
            if self.take(".") {
                let field = self.name().ok_or("the name of a field is expected after `.`")?;
                built = Built::single(format!("{}.{field}", built.at(Level::Single)));
            } else if self.take("[") {
                let base = built.at(Level::Single);
                let from = if self.tokens.peek() == Some(&Token::Symbol(":")) {
                    String::new()
                } else {
                    self.ternary()?.at(Level::Or)
                };
                let index = if self.take(":") {
                    let to = if self.tokens.peek() == Some(&Token::Symbol("]")) {
                        String::new()
                    } else {
                        self.ternary()?.at(Level::Or)
                    };
                    format!("{from}:{to}")
                } else {
                    from
                };
                self.expect("]")?;
                built = Built::single(format!("{base}[{index}]"));
            } else {
                return Ok(built);
            }
        }
    }

    fn primary(&mut self) -> Result<Built, String> {
        match self.tokens.next() {
            Some(Token::Literal(text) | Token::Text(text)) => Ok(Built::single(text)),
            Some(Token::Symbol("." | DETACHED_DOT)) => match self.name() {
                Some(field) => Ok(Built::single(format!("{DOT}.{field}"))),
                None => Ok(Built::single(DOT.to_owned())),
            },
            Some(Token::Symbol("(")) => {
                let built = self.piped()?;
                self.expect(")")?;
                Ok(Built::single(format!("({})", built.text)))
            }
            Some(Token::Name(name)) => match name.as_str() {
                "true" | "false" => Ok(Built::single(name)),
                "nil" => Ok(Built::single("none".to_owned())),
                _ if self.take("(") => self.call(&name),
                _ if self.boxes.0.contains(&name) => Ok(Built::single(format!("{}.v", boxed(&name)))),
                _ => Ok(Built::single(self::name(&name)?.to_owned())),
            },
            Some(token) => Err(format!("{} is not expected here", shown(&token))),
            None => Err(TOO_EARLY.to_owned()),
        }
    }

    fn call(&mut self, name: &str) -> Result<Built, String> {
        let mut arguments = Vec::new();
        if !self.take(")") {
            self.arguments(&mut arguments)?;
            self.expect(")")?;
        }
        call(name, &arguments)
    }
}

fn combine(left: Built, operator: &str, right: Built, level: usize) -> Built {
    // A side of a level's own stands without parentheses where Jinja reads it the same way: on the left.
    let (level, left_at, right_at) = match level {
        0 => (Level::Or, Level::Or, Level::And),
        1 => (Level::And, Level::And, Level::Not),
        // Jinja reads `a < b == c` as two comparisons of `b`.
        2 | 3 => (Level::Compare, Level::Sum, Level::Sum),
        4 => (Level::Sum, Level::Sum, Level::Product),
        _ if operator == "/" => return Built::single(format!("{DIVIDE}({}, {})", left.text, right.text)),
        _ => (Level::Product, Level::Product, Level::Sign),
    };
    Built { text: format!("{} {operator} {}", left.at(left_at), right.at(right_at)), level }
}

fn call(name: &str, arguments: &[String]) -> Result<Built, String> {
    if name == "isset" {
        if arguments.is_empty() {
            return Err("`isset` takes at least one argument".to_owned());
        }
        let each: Vec<String> =
            arguments.iter().map(|one| format!("({one}) is defined and ({one}) is not none")).collect();
        return Ok(Built::single(format!("({})", each.join(" and "))));
    }
    let function = FUNCTIONS.iter().find(|function| function.name == name).ok_or_else(|| {
        let known: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).chain(["isset"]).collect();
        format!("there is no function `{name}`; there are {}", known.join(", "))
    })?;
    if !(function.least..=function.most).contains(&arguments.len()) {
        let wanted = if function.least == function.most {
            function.least.to_string()
        } else {
            format!("{} to {}", function.least, function.most)
        };
        return Err(format!("`{name}` takes {wanted} arguments, not {}", arguments.len()));
    }
    Ok(Built::single(format!("{}({})", function.translated, arguments.join(", "))))
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(text) | Token::Literal(text) | Token::Text(text) => format!("`{text}`"),
        Token::Symbol(symbol) => format!("`{}`", symbol.trim()),
    }
}
