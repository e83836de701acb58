//! Conditions.

use crate::support::{condition, of_order, policy, refusal};
use perilune_security::Decision::{Allow, Deny, Undefined};

/// What a condition says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Yes,
    No,
    Nothing,
}
use Told::{No, Nothing, Yes};

/// Condition, what is asked besides, and whether it holds: Ann reads order 7.
const CONDITIONS: &[(&str, &str, Told)] = &[
    // Fields.
    (r#"{"field": "actor.id", "operator": "eq", "value": "user:ann"}"#, "{}", Yes),
    (r#"{"field": "action", "operator": "eq", "value": "order.read"}"#, "{}", Yes),
    (r#"{"field": "resource", "operator": "eq", "value": "app:order.7"}"#, "{}", Yes),
    (r#"{"field": "actor.meta.team.name", "operator": "eq", "value": "blue"}"#, "{}", Yes),
    (r#"{"field": "meta.a.b.c", "operator": "eq", "value": 1}"#, r#"{"a": {"b": {"c": 1}}}"#, Yes),
    (r#"{"field": "meta.a.b.c", "operator": "eq", "value": 1}"#, r#"{"a": {"b": 1}}"#, Nothing),
    (
        r#"{"field": "meta.owner", "operator": "eq", "value_from": "actor.id"}"#,
        r#"{"owner": "user:ann"}"#,
        Yes,
    ),
    (
        r#"{"field": "meta.owner", "operator": "eq", "value_from": "actor.id"}"#,
        r#"{"owner": "user:bob"}"#,
        No,
    ),
    (r#"{"field": "actor.id", "operator": "eq", "value_from": "meta.owner"}"#, "{}", Nothing),
    // eq, ne.
    (r#"{"field": "actor.meta.level", "operator": "eq", "value": 3}"#, "{}", Yes),
    (r#"{"field": "actor.meta.level", "operator": "eq", "value": 3.0}"#, "{}", Yes),
    (r#"{"field": "actor.meta.level", "operator": "eq", "value": "3"}"#, "{}", No),
    (r#"{"field": "actor.meta.tags", "operator": "eq", "value": ["a", "b"]}"#, "{}", Yes),
    (r#"{"field": "actor.meta.role", "operator": "ne", "value": "guest"}"#, "{}", Yes),
    (r#"{"field": "actor.meta.role", "operator": "ne", "value": "clerk"}"#, "{}", No),
    (r#"{"field": "actor.meta.gone", "operator": "eq", "value": "x"}"#, "{}", Nothing),
    (r#"{"field": "actor.meta.gone", "operator": "ne", "value": "x"}"#, "{}", Nothing),
    (r#"{"field": "meta.x", "operator": "ne", "value": 1}"#, r#"{"x": null}"#, Nothing),
    // Order.
    (r#"{"field": "actor.meta.level", "operator": "lt", "value": 4}"#, "{}", Yes),
    (r#"{"field": "actor.meta.level", "operator": "lt", "value": 3}"#, "{}", No),
    (r#"{"field": "actor.meta.level", "operator": "lte", "value": 3}"#, "{}", Yes),
    (r#"{"field": "actor.meta.level", "operator": "gt", "value": 2.5}"#, "{}", Yes),
    (r#"{"field": "actor.meta.level", "operator": "gte", "value": 3.5}"#, "{}", No),
    (r#"{"field": "actor.meta.level", "operator": "gt", "value_from": "actor.meta.ratio"}"#, "{}", Yes),
    (
        r#"{"field": "meta.n", "operator": "lt", "value": 9007199254740993}"#,
        r#"{"n": 9007199254740992}"#,
        Yes,
    ),
    (r#"{"field": "actor.meta.role", "operator": "lt", "value": "dean"}"#, "{}", Yes),
    (r#"{"field": "actor.meta.role", "operator": "gte", "value": 3}"#, "{}", Nothing),
    (r#"{"field": "actor.meta.tags", "operator": "lt", "value": 3}"#, "{}", Nothing),
    // in, nin.
    (r#"{"field": "actor.meta.role", "operator": "in", "value": ["clerk", "boss"]}"#, "{}", Yes),
    (r#"{"field": "actor.meta.role", "operator": "in", "value": ["boss"]}"#, "{}", No),
    (r#"{"field": "actor.meta.role", "operator": "in", "value": []}"#, "{}", No),
    (r#"{"field": "actor.meta.role", "operator": "nin", "value": ["boss"]}"#, "{}", Yes),
    (r#"{"field": "meta.tag", "operator": "in", "value_from": "actor.meta.tags"}"#, r#"{"tag": "b"}"#, Yes),
    (
        r#"{"field": "meta.tag", "operator": "nin", "value_from": "actor.meta.role"}"#,
        r#"{"tag": "b"}"#,
        Nothing,
    ),
    // contains, ncontains.
    (r#"{"field": "actor.meta.tags", "operator": "contains", "value": "a"}"#, "{}", Yes),
    (r#"{"field": "actor.meta.tags", "operator": "contains", "value": "c"}"#, "{}", No),
    (r#"{"field": "actor.meta.none", "operator": "contains", "value": "c"}"#, "{}", No),
    (r#"{"field": "actor.meta.tags", "operator": "ncontains", "value": "c"}"#, "{}", Yes),
    (r#"{"field": "resource", "operator": "contains", "value": "order"}"#, "{}", Yes),
    (r#"{"field": "actor.meta.level", "operator": "ncontains", "value": "c"}"#, "{}", Nothing),
    // matches, nmatches.
    (r#"{"field": "resource", "operator": "matches", "value": "^app:order\\.[0-9]+$"}"#, "{}", Yes),
    (r#"{"field": "resource", "operator": "nmatches", "value": "^lib:"}"#, "{}", Yes),
    (r#"{"field": "actor.meta.level", "operator": "matches", "value": "3"}"#, "{}", Nothing),
    (r#"{"field": "actor.meta.level", "operator": "nmatches", "value": "x"}"#, "{}", Nothing),
    // exists, nexists.
    (r#"{"field": "meta.owner", "operator": "exists"}"#, r#"{"owner": false}"#, Yes),
    (r#"{"field": "meta.owner", "operator": "exists"}"#, "{}", No),
    (r#"{"field": "meta.owner", "operator": "nexists"}"#, r#"{"owner": null}"#, Yes),
    (r#"{"field": "meta.owner", "operator": "nexists"}"#, r#"{"owner": 1}"#, No),
];

#[test]
fn an_allowing_policy_allows_only_where_its_condition_holds() {
    for (written, meta, told) in CONDITIONS {
        let expected = if *told == Yes { Allow } else { Undefined };
        assert_eq!(of_order(&condition("allow", written), meta), expected, "{written} of {meta}");
    }
}

#[test]
fn a_denying_policy_denies_also_where_its_condition_cannot_be_told() {
    for (written, meta, told) in CONDITIONS {
        let expected = if *told == No { Undefined } else { Deny };
        assert_eq!(of_order(&condition("deny", written), meta), expected, "{written} of {meta}");
    }
}

const HOLDS: &str = r#"{"field": "actor.id", "operator": "exists"}"#;
const FAILS: &str = r#"{"field": "actor.id", "operator": "nexists"}"#;
const UNTOLD: &str = r#"{"field": "meta.gone", "operator": "eq", "value": 1}"#;

#[test]
fn all_conditions_must_hold_and_one_that_fails_decides() {
    for (conditions, allow, deny) in [
        (vec![], Allow, Deny),
        (vec![HOLDS, HOLDS], Allow, Deny),
        (vec![HOLDS, FAILS], Undefined, Undefined),
        (vec![UNTOLD, FAILS], Undefined, Undefined),
        (vec![FAILS, UNTOLD], Undefined, Undefined),
        (vec![HOLDS, UNTOLD], Undefined, Deny),
    ] {
        let written = conditions.join(",");
        for (effect, expected) in [("allow", allow), ("deny", deny)] {
            assert_eq!(of_order(&condition(effect, &written), "{}"), expected, "{effect} {written}");
        }
    }
}

#[test]
fn a_policy_for_other_actions_is_not_asked_about_its_conditions() {
    let other = policy(
        "p",
        &format!(r#"{{"actions": "x", "resources": "*", "effect": "deny", "conditions": [{UNTOLD}]}}"#),
    );
    assert_eq!(of_order(&other, "{}"), Undefined);
}

/// Condition, and what its refusal says.
const REFUSED: &[(&str, &str)] = &[
    (r#"{"field": "user.id", "operator": "exists"}"#, "conditions[1].field"),
    (r#"{"field": "actor", "operator": "exists"}"#, "write `actor.id`"),
    (r#"{"field": "actor.meta.", "operator": "exists"}"#, "conditions[1].field"),
    (r#"{"field": "meta..a", "operator": "exists"}"#, "conditions[1].field"),
    (r#"{"field": "action", "operator": "eq"}"#, "`eq` needs a `value`"),
    (
        r#"{"field": "action", "operator": "eq", "value": 1, "value_from": "actor.id"}"#,
        "remove one of the two",
    ),
    (r#"{"field": "action", "operator": "exists", "value": 1}"#, "compares with nothing"),
    (r#"{"field": "action", "operator": "nexists", "value_from": "actor.id"}"#, "compares with nothing"),
    (r#"{"field": "action", "operator": "in", "value": "x"}"#, "`in` needs a list"),
    (r#"{"field": "action", "operator": "lt", "value": true}"#, "`lt` needs a number or a text"),
    (r#"{"field": "action", "operator": "matches", "value": 5}"#, "expected a regular expression"),
    (r#"{"field": "action", "operator": "matches", "value": "(a"}"#, "is not valid"),
    (r#"{"field": "action", "operator": "matches", "value": "(x{1000}){1000}"}"#, "is too large"),
    (
        r#"{"field": "action", "operator": "matches", "value_from": "actor.id"}"#,
        "stands in the policy itself",
    ),
    (r#"{"field": "action", "operator": "eq", "value_from": "self"}"#, "conditions[1].value_from"),
];

#[test]
fn conditions_that_mean_nothing_are_refused() {
    for (written, expected) in REFUSED {
        let policy =
            format!(r#"{{"actions": "*", "resources": "*", "effect": "allow", "conditions": [{written}]}}"#);
        let refused = refusal(&policy);
        assert!(refused.contains(expected), "{written}: {refused}");
    }
}
