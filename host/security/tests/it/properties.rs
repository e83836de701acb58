//! What holds for all policies.

use crate::support::{decide, policy};
use perilune_registry::Glob;
use perilune_security::{Decision, Policy, Scope};
use proptest::prelude::*;

/// Few enough words that policies often meet.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a.read", "a.write", "b.read", "b", ""]).prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["*", "a.*", "*.read", "a.read", "b", "*b*"]).prop_map(str::to_owned)
}

fn condition() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        r#"{"field": "actor.id", "operator": "exists"}"#,
        r#"{"field": "meta.gone", "operator": "eq", "value": 1}"#,
        r#"{"field": "actor.meta.level", "operator": "gt", "value": 5}"#,
    ])
}

fn written(effect: &'static str) -> impl Strategy<Value = Policy> {
    ("[a-z]{1,8}", pattern(), pattern(), condition()).prop_map(move |(name, actions, resources, condition)| {
        policy(
            &name,
            &format!(
                r#"{{"actions": "{actions}", "resources": "{resources}", "effect": "{effect}", "conditions": [{condition}]}}"#
            ),
        )
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    prop_oneof![written("allow"), written("deny")]
}

/// From what is least to what is most.
fn width(decision: Decision) -> u8 {
    match decision {
        Decision::Deny => 0,
        Decision::Undefined => 1,
        Decision::Allow => 2,
    }
}

/// Ids apart from each other, so that none replaces another.
fn numbered(policies: &[Policy]) -> Vec<Policy> {
    policies
        .iter()
        .enumerate()
        .map(|(number, policy)| Policy::new(format!("app:{number}"), policy.clone()))
        .collect()
}

proptest! {
    #[test]
    fn adding_a_deny_never_widens(
        policies in prop::collection::vec(any_policy(), 0..6), deny in written("deny"), action in word(), resource in word(),
    ) {
        let before = decide(&Scope::new(numbered(&policies)), &action, &resource);
        let mut more = policies;
        more.push(deny);
        let after = decide(&Scope::new(numbered(&more)), &action, &resource);
        prop_assert!(width(after) <= width(before), "{before:?} became {after:?}");
    }

    #[test]
    fn adding_a_policy_about_something_else_changes_nothing(
        policies in prop::collection::vec(any_policy(), 0..6), effect in prop::sample::select(vec!["allow", "deny"]),
        action in word(), resource in word(),
    ) {
        let other = policy(
            "other",
            &format!(r#"{{"actions": "elsewhere.*", "resources": "*", "effect": "{effect}"}}"#),
        );
        let before = decide(&Scope::new(numbered(&policies)), &action, &resource);
        let mut more = policies;
        more.push(other);
        prop_assert_eq!(decide(&Scope::new(numbered(&more)), &action, &resource), before);
    }

    #[test]
    fn the_order_of_policies_does_not_count(
        policies in prop::collection::vec(any_policy(), 0..6), action in word(), resource in word(),
    ) {
        let mut turned = policies.clone();
        turned.reverse();
        let decided = |policies: &[Policy]| decide(&Scope::new(numbered(policies)), &action, &resource);
        prop_assert_eq!(decided(&policies), decided(&turned));
    }

    #[test]
    fn a_pattern_matches_what_its_regular_expression_does(pattern in "[ab*.]{0,8}", text in "[ab.]{0,10}") {
        let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
        let expected = regex::Regex::new(&format!("^(?s:{})$", parts.join(".*"))).expect("it is one").is_match(&text);
        prop_assert_eq!(Glob::new(&pattern).matches(&text), expected);
    }

    #[test]
    fn no_expression_panics_or_overflows(text in "[a-z0-9 .()&|!=<>+*?:'\"-]{0,60}") {
        let text = perilune_value::json::encode(&perilune_value::Value::from(text.as_str())).expect("a text");
        let entry = crate::support::entry(
            "any",
            &format!(r#"{{"actions": "*", "resources": "*", "effect": "deny", "expression": {text}}}"#),
        );
        if let Ok(rule) = perilune_security::WrittenRule::read(&entry) {
            crate::support::of_order(&rule, "{}");
        }
    }
}
