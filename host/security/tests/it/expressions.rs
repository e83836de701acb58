//! Expressions.

use crate::support::{expression, of_order, refusal};
use perilune_security::Decision::{Allow, Deny, Undefined};
use perilune_value::{Value, json};

/// Expression, what is asked besides, and what an allowing and a denying policy say.
#[test]
fn an_expression_decides_like_a_condition() {
    for (text, meta, allow, deny) in [
        ("true", "{}", Allow, Deny),
        ("false", "{}", Undefined, Undefined),
        (r#"actor.id == "user:ann""#, "{}", Allow, Deny),
        ("meta.owner == actor.id", r#"{"owner": "user:ann"}"#, Allow, Deny),
        ("meta.owner == actor.id", "{}", Undefined, Undefined),
        (r#"action startsWith "order." && resource matches "^app:order\\.[0-9]+$""#, "{}", Allow, Deny),
        (r#""b" in actor.meta.tags or false"#, "{}", Allow, Deny),
        (r#"(actor.meta.level ?? 0) >= 3 and not (actor.meta.role == "guest")"#, "{}", Allow, Deny),
        (r#"lower(actor.meta.role) in ["clerk", 'boss']"#, "{}", Allow, Deny),
        ("actor.meta.level > 2 ? true : false", "{}", Allow, Deny),
        (r#"meta.matches == "x""#, r#"{"matches": "x"}"#, Allow, Deny),
        // Nothing can be told of these.
        ("1 + 1", "{}", Undefined, Deny),
        ("meta.a < 3", "{}", Undefined, Deny),
        (r#"meta.a < "x""#, r#"{"a": 3}"#, Undefined, Deny),
        ("unknown", "{}", Undefined, Deny),
        ("1 % 0 == 0", "{}", Undefined, Deny),
        ("meta.list[-9223372036854775807] == 1", r#"{"list": [1]}"#, Undefined, Undefined),
    ] {
        assert_eq!(of_order(&expression("allow", text), meta), allow, "{text}");
        assert_eq!(of_order(&expression("deny", text), meta), deny, "{text}");
    }
}

#[test]
fn expressions_that_could_take_long_or_mean_nothing_are_refused() {
    let deep = format!("{}true{}", "(".repeat(40), ")".repeat(40));
    let long = vec!["true"; 150].join("||");
    let patterns = [r#"action matches "a""#; 9].join(" || ");
    for (text, expected) in [
        ("1 +", "is not valid"),
        ("", "is not valid"),
        ("5 in 1..1000000000", "no ranges"),
        ("any(meta.list, {# == 1})", "there is no function `any`"),
        ("let a = 1; a == 1", "no blocks"),
        ("if true { true } else { false }", "no blocks"),
        (r#"repeat("x", 1000000) == "x""#, "there is no function `repeat`"),
        ("meta.list | map(.x)", "there is no function `map`"),
        ("meta.x.len()", "there is no function `len`"),
        ("true // yes", "no comments"),
        ("action matches resource", "the regular expression itself"),
        (r#"action matches "a" + resource"#, "must end or go on"),
        (r#"action matches "(x{1000}){1000}""#, "too large"),
        (r#"action matchesresource"#, "cannot be told from two words"),
        ("1or1", "is no number"),
        ("trueortrue", "cannot be told from two words"),
        (r#"action == "x"#, "closing quote"),
        (r#"action == "\q""#, r#"texts know the escapes `\\`, `\"`, `\'`, `\/`, `\n`, `\r` and `\t`"#),
        (deep.as_str(), "parentheses"),
        (long.as_str(), "names, texts and signs"),
        (patterns.as_str(), "regular expressions"),
    ] {
        let text_json = json::encode(&Value::from(text)).expect("a text");
        let policy =
            format!(r#"{{"actions": "*", "resources": "*", "effect": "allow", "expression": {text_json}}}"#);
        let refused = refusal(&policy);
        assert!(refused.contains(expected) && refused.contains("policy.expression"), "{text}: {refused}");
    }
}

#[test]
fn quoted_texts_may_hold_what_an_expression_may_not() {
    for text in [
        r#"resource != "{};#..""#,
        r#"resource != 'a // b'"#,
        "resource != `{a} .. \"b\"`",
        r#"resource matches "^a{0,3}""#,
    ] {
        assert_eq!(of_order(&expression("allow", text), "{}"), Allow, "{text}");
    }
}

/// A cell's turn leaves 1 MiB of stack to host code, of which a policy is the last part.
#[test]
fn the_deepest_expression_fits_the_stack() {
    let deepest = [
        vec!["1"; 98].join("+") + " == 98",
        vec!["1"; 66].join("**") + " == 1",
        format!("{}true{}", "(".repeat(32), ")".repeat(32)),
        format!("{}true", "true?false:".repeat(32)),
        format!("actor.meta{} == nil", ".x".repeat(95)),
    ];
    let rules = deepest.map(|text| expression("deny", &text));
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    let checked = thread.spawn(move || rules.iter().map(|rule| of_order(rule, "{}")).collect::<Vec<_>>());
    let decisions = checked.expect("a thread").join().expect("no overflow");
    assert_eq!(decisions, [Deny, Deny, Deny, Undefined, Deny]);
}
