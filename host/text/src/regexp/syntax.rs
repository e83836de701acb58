//! Reading patterns: what is wrong where, and RE2's meaning of `\d`, `\s`, `\w` and `\b`.

use super::effort;
use perilune_value::Failure;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSetItem, Span, Visitor, parse::ParserBuilder,
};
use regex_syntax::hir::{Hir, translate::TranslatorBuilder};

/// Groups within groups. Reading and compiling recurse this deep.
pub(super) const MAX_NESTING: u32 = 100;

/// The effort that a pattern may be, see [`effort`]: a quarter of a second at the worst.
const MAX_EFFORT: u64 = 20_000_000;

/// The pattern in the syntax of crate `regex`, and what it means.
pub(super) fn read(pattern: &str) -> Result<(String, Hir), Failure> {
    let ast = parse(pattern)?;
    if effort::of(&ast) > MAX_EFFORT {
        return Err(Failure::invalid(
            "the pattern has too many large classes of characters, such as `\\pL` where case does not matter",
        ));
    }
    let hir = translate(pattern, &ast)?;
    let ascii = splice(pattern, &ast);
    if ascii == pattern {
        return Ok((ascii, hir));
    }
    let hir = translate(&ascii, &parse(&ascii)?)?;
    Ok((ascii, hir))
}

/// What [`read`] and compiling it cost for classes of characters, whatever else the pattern holds.
pub(super) fn effort(pattern: &str) -> Result<u64, Failure> {
    parse(pattern).map(|ast| effort::of(&ast))
}

fn translate(pattern: &str, ast: &Ast) -> Result<Hir, Failure> {
    let translated = TranslatorBuilder::new().utf8(false).build().translate(pattern, ast);
    translated.map_err(|error| invalid(pattern, error.kind(), error.span()))
}

fn parse(pattern: &str) -> Result<Ast, Failure> {
    let parsed = ParserBuilder::new().nest_limit(MAX_NESTING).build().parse(pattern);
    parsed.map_err(|error| match error.kind() {
        ast::ErrorKind::UnsupportedLookAround => {
            invalid(pattern, &"lookaround is not supported", error.span())
        }
        ast::ErrorKind::UnsupportedBackreference => {
            invalid(pattern, &"backreferences are not supported", error.span())
        }
        kind => invalid(pattern, kind, error.span()),
    })
}

fn invalid(pattern: &str, what: &dyn std::fmt::Display, at: &Span) -> Failure {
    let position = at.start.offset + 1;
    let rest: String = pattern.get(at.start.offset..).unwrap_or_default().chars().take(20).collect();
    let place =
        if rest.is_empty() { "at the end".to_owned() } else { format!("at position {position}, {rest:?}") };
    let position = i64::try_from(position).expect("invariant: patterns are short");
    Failure::invalid(format!("invalid pattern: {what} ({place})")).with_detail("position", position)
}

/// Replaces what crate `regex` takes for Unicode by its ASCII counterpart.
fn splice(pattern: &str, ast: &Ast) -> String {
    let found = match ast::visit(ast, Shorthands(Vec::new())) {
        Ok(found) => found,
        Err(never) => match never {},
    };
    let mut out = String::new();
    let mut copied = 0;
    for (span, text) in found {
        out.push_str(&pattern[copied..span.start.offset]);
        out.push_str(text);
        copied = span.end.offset;
    }
    out.push_str(&pattern[copied..]);
    out
}

/// The shorthands of a pattern, in order.
struct Shorthands(Vec<(Span, &'static str)>);

impl Shorthands {
    fn class(&mut self, class: &ClassPerl) {
        let text = match (&class.kind, class.negated) {
            (ClassPerlKind::Digit, false) => "[0-9]",
            (ClassPerlKind::Digit, true) => "[^0-9]",
            (ClassPerlKind::Space, false) => r"[\t\n\x0C\r\x20]",
            (ClassPerlKind::Space, true) => r"[^\t\n\x0C\r\x20]",
            (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
            (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
        };
        self.0.push((class.span, text));
    }
}

impl Visitor for Shorthands {
    type Output = Vec<(Span, &'static str)>;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<Self::Output, Self::Err> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        match ast {
            Ast::ClassPerl(class) => self.class(class),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::WordBoundary => self.0.push((assertion.span, r"(?-u:\b)")),
                AssertionKind::NotWordBoundary => self.0.push((assertion.span, r"(?-u:\B)")),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        if let ClassSetItem::Perl(class) = item {
            self.class(class);
        }
        Ok(())
    }
}
