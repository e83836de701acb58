//! Actions and resources.

use crate::support::{decide, policy, refusal};
use perilune_security::{Decision, Scope};

/// Pattern, texts that it matches, texts that it does not.
const PATTERNS: &[(&str, &[&str], &[&str])] = &[
    ("db.get", &["db.get"], &["db.get2", "db.ge", "xdb.get", "", "DB.GET"]),
    ("*", &["", "db.get", "app:x"], &[]),
    ("db*", &["db", "db.get", "dbx"], &["d", "xdb"]),
    ("db.*", &["db.", "db.get", "db.key.get"], &["db", "dbx.get"]),
    ("*.read", &["order.read", ".read", "a.b.read"], &["order.reads", "read"]),
    ("app:*.item", &["app:.item", "app:order.item", "app:a.b.item"], &["app:item", "lib:order.item"]),
    ("a*b*c", &["abc", "a1b2c", "abbc", "abcbc"], &["ac", "acb", "ab", "bc"]),
    ("ab*ba", &["abba", "abxba"], &["aba", "ab"]),
    ("**", &["", "x"], &[]),
    ("", &[""], &["x"]),
    ("a.b?", &["a.b?"], &["a.bc", "axb?"]),
];

#[test]
fn patterns_match_actions_and_resources_alike() {
    for (pattern, matching, others) in PATTERNS.iter().filter(|(pattern, ..)| !pattern.is_empty()) {
        let by_action =
            policy("p", &format!(r#"{{"actions": "{pattern}", "resources": "*", "effect": "allow"}}"#));
        let by_resource =
            policy("p", &format!(r#"{{"actions": "*", "resources": ["{pattern}"], "effect": "allow"}}"#));
        for (texts, expected) in [(matching, Decision::Allow), (others, Decision::Undefined)] {
            for text in *texts {
                assert_eq!(
                    decide(&Scope::new([by_action.clone()]), text, ""),
                    expected,
                    "{pattern} and {text}"
                );
                assert_eq!(
                    decide(&Scope::new([by_resource.clone()]), "", text),
                    expected,
                    "{pattern} and {text}"
                );
            }
        }
    }
}

#[test]
fn one_pattern_of_a_list_is_enough() {
    let scope = Scope::new([policy(
        "p",
        r#"{"actions": ["db.get", "store.*"], "resources": ["app:a", "app:b"], "effect": "allow"}"#,
    )]);
    assert_eq!(decide(&scope, "store.info", "app:b"), Decision::Allow);
    assert_eq!(decide(&scope, "store.info", "app:c"), Decision::Undefined);
    assert_eq!(decide(&scope, "fs.get", "app:a"), Decision::Undefined);
}

#[test]
fn a_policy_without_patterns_is_refused() {
    let said = "app:wrong: field `policy.actions`: there is no pattern, so the policy would say nothing";
    assert_eq!(refusal(r#"{"actions": [], "resources": "*", "effect": "allow"}"#), said);
    let many: Vec<String> = (0..300).map(|n| format!(r#""a{n}""#)).collect();
    let many = many.join(",");
    let long = format!(r#""{}""#, "a".repeat(2000));
    let condition = vec![r#"{"field": "action", "operator": "exists"}"#; 300].join(",");
    for (fields, expected) in [
        (format!(r#""resources": [{many}]"#), "field `policy.resources`: there are more than 256 patterns"),
        (format!(r#""resources": {long}"#), "field `policy.resources`: a pattern is longer than 1024 bytes"),
        (
            format!(r#""resources": "*", "conditions": [{condition}]"#),
            "field `policy.conditions`: there are more than 256 conditions",
        ),
    ] {
        let refused = refusal(&format!(r#"{{"actions": "*", {fields}, "effect": "allow"}}"#));
        assert_eq!(refused, format!("app:wrong: {expected}"));
    }
}

#[test]
fn deny_wins_whatever_the_order() {
    let allow = policy("a", r#"{"actions": "*", "resources": "*", "effect": "allow"}"#);
    for name in ["0", "z"] {
        let deny = policy(name, r#"{"actions": "*.get", "resources": "app:secret", "effect": "deny"}"#);
        let scope = Scope::new([allow.clone(), deny]);
        assert_eq!(decide(&scope, "db.get", "app:secret"), Decision::Deny);
        assert_eq!(decide(&scope, "db.get", "app:open"), Decision::Allow);
    }
}

#[test]
fn an_empty_scope_says_nothing() {
    assert_eq!(decide(&Scope::default(), "db.get", "app:db"), Decision::Undefined);
}
