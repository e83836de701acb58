//! JSON, strictly: no comments, no trailing commas.

use super::node::{Budget, Content, MAX_DEPTH, Node, Pair, Refusal, text_length};
use crate::code::Code;
use crate::problem::quote;
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use perilune_value::Value;
use std::collections::HashMap;
use std::ops::Range;

/// Everything that the parser accepts beyond JSON, switched off.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads a text; `None` when it is empty.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, Refusal> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT).map_err(|error| {
        let range = error.range();
        Refusal::new(Code::SYNTAX, range.start..range.end, format!("not well-formed JSON: {}", error.kind()))
    })?;
    let mut budget = Budget::new();
    parsed.value.map(|value| node(&value, 0, &mut budget)).transpose()
}

fn node(value: &ast::Value<'_>, depth: usize, budget: &mut Budget) -> Result<Node, Refusal> {
    let range = value.range();
    let span = range.start..range.end;
    let container = matches!(value, ast::Value::Object(_) | ast::Value::Array(_));
    if container && depth >= MAX_DEPTH {
        return Err(Refusal::too_deep(span));
    }
    let content = match value {
        ast::Value::NullKeyword(_) => Content::Scalar(Value::Nil),
        ast::Value::BooleanLit(literal) => Content::Scalar(Value::Bool(literal.value)),
        ast::Value::StringLit(literal) => Content::Scalar(Value::from(literal.value.as_ref())),
        ast::Value::NumberLit(literal) => Content::Scalar(number(literal.value, &span)?),
        ast::Value::Array(array) => Content::List(
            array.elements.iter().map(|item| node(item, depth + 1, budget)).collect::<Result<_, _>>()?,
        ),
        ast::Value::Object(object) => Content::Map(pairs(object, depth, budget)?),
    };
    let bytes = match &content {
        Content::Scalar(value) => text_length(value),
        _ => 0,
    };
    if budget.take(bytes) { Ok(Node { span, content }) } else { Err(Refusal::too_many(span)) }
}

fn pairs(object: &ast::Object<'_>, depth: usize, budget: &mut Budget) -> Result<Vec<Pair>, Refusal> {
    let mut seen: HashMap<&str, Range<usize>> = HashMap::new();
    let mut pairs = Vec::with_capacity(object.properties.len());
    for property in &object.properties {
        let range = property.name.range();
        let (name, key_span) = (property.name.as_str(), range.start..range.end);
        let key = Value::from(name);
        if !budget.take(name.len()) {
            return Err(Refusal::too_many(key_span));
        }
        if let Some(first) = seen.insert(name, key_span.clone()) {
            return Err(Refusal::duplicate_key(&key, first, key_span));
        }
        pairs.push(Pair { key, key_span, value: node(&property.value, depth + 1, budget)? });
    }
    Ok(pairs)
}

fn number(text: &str, span: &Range<usize>) -> Result<Value, Refusal> {
    if text.contains(['.', 'e', 'E']) {
        // The grammar of JSON numbers is part of Rust's.
        return Ok(text.parse().map_or_else(|_| Value::from(text), Value::Float));
    }
    text.parse().map(Value::Integer).map_err(|_| {
        Refusal::new(
            Code::BAD_VALUE,
            span.clone(),
            format!("the integer {} does not fit into 64 bits", quote(text)),
        )
        .help("put it in quotes to make it a string")
    })
}
