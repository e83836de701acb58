//! Policies and groups that are refused when an application loads.

use super::{POLICIES, WHO, as_ann};
use perilune::Kind;
use perilune_tests::{App, render};

/// An entry, and what its refusal says.
const REFUSED: &[(&str, &str)] = &[
    ("{name: x, kind: security.policy}", "field `policy`: it is missing"),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*'}}",
        "field `policy.effect`: it is missing",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: permit}}",
        "is not one of `allow`, `deny`",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: [], resources: '*', effect: allow}}",
        "policy.actions",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: 5, resources: '*', effect: allow}}",
        "expected a string or a list of strings",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: deny, conditions: [{field: actor.name, operator: exists}]}}",
        "`actor.name` is nothing that a policy knows",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: deny, conditions: [{field: actor.id, operator: like, value: a}]}}",
        "conditions[1].operator",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: deny, conditions: [{field: actor.id, operator: matches, value: '('}]}}",
        "the regular expression `(` is not valid",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: deny, expression: 'true'}}",
        "`policy` has no such field",
    ),
    (
        "{name: x, kind: security.policy.expr, policy: {actions: '*', resources: '*', effect: deny, expression: 'actor.id =='}}",
        "the expression is not valid",
    ),
    (
        "{name: x, kind: security.policy, groups: [a b], policy: {actions: '*', resources: '*', effect: deny}}",
        "groups[1]",
    ),
    (
        "{name: x, kind: security.token_store, store: everything}",
        "name an entry of kind `store.memory` or `store.sql`",
    ),
    (
        "{name: x, kind: security.token_store, store: kv, token_key: short}",
        "the secret is shorter than 16 bytes",
    ),
    ("{name: x, kind: security.token_store, store: kv, token_length: 8}", "8 is out of range"),
    (
        "{name: x, kind: store.memory, lifecycle: {security: {policies: [everything]}}}",
        "field `lifecycle.security.actor`: it is missing",
    ),
    (
        "{name: x, kind: store.memory, lifecycle: {security: {actor: {id: a}, policies: [everyting]}}}",
        "there is no entry `app:everyting`",
    ),
    (
        "{name: x, kind: store.memory, lifecycle: {security: {actor: {id: a}, policies: [kv]}}}",
        "`app:kv` is of kind `store.memory`",
    ),
    (
        "{name: x, kind: store.memory, lifecycle: {security: {actor: {id: a}, groups: [stuff]}}}",
        "there is no group of policies `app:stuff`",
    ),
];

#[test]
fn what_is_wrong_with_policies_is_said_at_load() {
    for (entry, expected) in REFUSED {
        let yaml = format!("{POLICIES}  - {entry}\n");
        let files = [("app.yaml", yaml.as_str()), ("main.lua", "return {}"), ("who.lua", WHO)];
        let refused = App::try_new(&files).err().unwrap_or_else(|| panic!("{entry} is refused"));
        assert!(render(&refused).contains(expected), "{entry}: {}", render(&refused));
    }
}

#[test]
fn a_service_may_name_groups_of_any_namespace() {
    let service = "{name: x, kind: store.memory, lifecycle: {security: {actor: {id: a}, groups: [staff, lib:customers]}}}";
    let yaml = format!("{POLICIES}  - {service}\n");
    App::new(&[("app.yaml", yaml.as_str()), ("main.lua", "return {}"), ("who.lua", WHO)]);
}

#[tokio::test]
async fn a_group_that_a_service_needs_cannot_be_taken_away() {
    let yaml = format!(
        "{POLICIES}  - {{name: x, kind: store.memory, lifecycle: {{security: {{actor: {{id: a}}, groups: [lib:customers]}}}}}}\n"
    );
    let main = "return function()
        local changes = registry.snapshot():changes()
        changes:delete('app:own_orders')
        local version, err = changes:apply()
        return version ~= nil, err
    end";
    let app = App::new(&[("app.yaml", yaml.as_str()), ("main.lua", main), ("who.lua", WHO)]);
    let failure = as_ann(&app, &["app:everything"]).await.expect_err("it is refused");
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.message.contains("lib:customers"), "{failure}");
}
