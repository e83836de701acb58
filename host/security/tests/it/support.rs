//! Policies written as JSON, and questions.

use perilune_registry::{Entry, EntryId};
use perilune_security::{
    Actor, Decision, EXPRESSION_POLICY, POLICY, Policy, Question, Rule, Scope, WrittenRule,
};
use perilune_value::{Value, json};

/// Lua's view of a JSON text.
pub(crate) fn value(text: &str) -> Value {
    json::decode(text.as_bytes()).expect("the test writes JSON")
}

/// The entry of a policy; `policy` is the JSON of its field.
pub(crate) fn entry(name: &str, policy: &str) -> Entry {
    let policy = value(policy);
    let kind = if policy.get("expression").is_some() { EXPRESSION_POLICY } else { POLICY };
    Entry::new(EntryId::new("app", name).expect("a name"), kind).with_field("policy", policy)
}

/// The policy of such an entry.
pub(crate) fn policy(name: &str, policy: &str) -> Policy {
    let entry = entry(name, policy);
    Policy::new(entry.id().to_string(), rule(&entry).expect("the policy is right"))
}

fn rule(entry: &Entry) -> Result<WrittenRule, Vec<String>> {
    WrittenRule::read(entry).map_err(|problems| problems.iter().map(|problem| problem.title()).collect())
}

/// What a policy is refused for.
pub(crate) fn refusal(policy: &str) -> String {
    match rule(&entry("wrong", policy)) {
        Ok(rule) => panic!("{policy} is refused, but it is {rule:?}"),
        Err(titles) => titles.join("\n"),
    }
}

/// Ann, who may be asked about.
pub(crate) fn ann() -> Actor {
    Actor {
        id: "user:ann".to_owned(),
        meta: value(
            r#"{"role": "clerk", "level": 3, "ratio": 2.5, "tags": ["a", "b"], "team": {"name": "blue"}, "none": []}"#,
        ),
    }
}

/// What a rule says of Ann's reading order 7.
pub(crate) fn of_order(rule: &dyn Rule, meta: &str) -> Decision {
    let (actor, meta) = (ann(), value(meta));
    rule.evaluate(&Question { actor: &actor, action: "order.read", resource: "app:order.7", meta: &meta })
}

/// What a scope says of an action on a resource.
pub(crate) fn decide(scope: &Scope, action: &str, resource: &str) -> Decision {
    let (actor, meta) = (ann(), Value::Map(Vec::new()));
    scope.evaluate(&Question { actor: &actor, action, resource, meta: &meta })
}

/// An expression policy as a rule.
pub(crate) fn expression(effect: &str, text: &str) -> WrittenRule {
    let text = json::encode(&Value::from(text)).expect("a text");
    let policy =
        format!(r#"{{"actions": "*", "resources": "*", "effect": "{effect}", "expression": {text}}}"#);
    rule(&entry("expression", &policy)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A policy with one condition, as a rule.
pub(crate) fn condition(effect: &str, condition: &str) -> WrittenRule {
    let policy =
        format!(r#"{{"actions": "*", "resources": "*", "effect": "{effect}", "conditions": [{condition}]}}"#);
    rule(&entry("condition", &policy)).unwrap_or_else(|problems| panic!("{problems:?}"))
}
