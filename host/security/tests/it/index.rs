//! The policies of a registry.

use crate::support::{decide, entry};
use perilune_registry::{Baseline, Entry, Fields, KindSpec, Kinds, Operation, Registry, Rules};
use perilune_security::{Decision, EXPRESSION_POLICY, POLICY, Policies, Strictness};
use perilune_value::{Kind, Value};
use std::sync::Arc;

const READ: &str = r#"{"actions": "*.read", "resources": "*", "effect": "allow"}"#;
const WRITE: &str = r#"{"actions": "*.write", "resources": "*", "effect": "allow"}"#;

fn registry(entries: impl IntoIterator<Item = Entry>) -> Registry {
    let kinds = [POLICY, EXPRESSION_POLICY].into_iter().fold(Kinds::standard(), |kinds, name| {
        kinds.with(KindSpec { name, fields: Fields::Free, ..KindSpec::EMPTY })
    });
    let mut baseline = Baseline::new();
    entries.into_iter().for_each(|entry| {
        baseline.add(entry);
    });
    Registry::new(baseline, Rules::new(kinds)).expect("the entries are right")
}

fn in_groups(name: &str, policy: &str, groups: &[&str]) -> Entry {
    entry(name, policy)
        .with_field("groups", groups.iter().map(|group| Value::from(*group)).collect::<Vec<_>>())
}

#[test]
fn a_group_is_all_policies_that_declare_it() {
    let registry = registry([
        in_groups("read", READ, &["staff", "lib:guests"]),
        in_groups("write", WRITE, &["app:staff"]),
    ]);
    let index = Policies::default().of(&registry);
    let ids = |groups: &[&str]| {
        let scope = index.scope([], groups.iter().copied()).expect("they exist");
        scope.policies().iter().map(|policy| policy.id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["app:staff"]), ["app:read", "app:write"]);
    assert_eq!(ids(&["lib:guests"]), ["app:read"]);
    assert_eq!(ids(&["lib:guests", "app:staff"]), ["app:read", "app:write"]);
}

#[test]
fn a_name_that_stands_for_nothing_makes_no_scope() {
    let index = Policies::default().of(&registry([in_groups("read", READ, &["staff"])]));
    for (policies, groups, expected) in [
        (vec!["app:raed"], vec![], "there is no policy `app:raed`"),
        (vec!["app:read"], vec!["app:stuff"], "there is no group of policies `app:stuff`"),
        (vec!["app:read"], vec!["staff"], "there is no group of policies `staff`"),
    ] {
        let failure = index.scope(policies, groups).expect_err("it is refused");
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, expected));
    }
}

#[test]
fn a_scope_has_a_bound() {
    let many = (0..1001).map(|number| in_groups(&format!("p{number}"), READ, &["staff"]));
    let failure = Policies::default().of(&registry(many)).scope(Vec::<&str>::new(), ["app:staff"]);
    assert_eq!(failure.expect_err("it is too large").message, "a scope holds at most 1000 policies");
}

#[test]
fn a_change_of_the_registry_is_seen_and_what_stays_is_kept() {
    let registry = registry([entry("read", READ), entry("write", WRITE)]);
    let policies = Policies::default();
    let before = policies.of(&registry);
    assert!(Arc::ptr_eq(&before, &policies.of(&registry)), "nothing has changed");

    let deny = r#"{"actions": "*.write", "resources": "*", "effect": "deny"}"#;
    registry.apply(&[Operation::Update(Arc::new(entry("write", deny)))], None).expect("it is right");
    let after = policies.of(&registry);
    let scope =
        |index: &perilune_security::Index| index.scope(["app:read", "app:write"], []).expect("they exist");
    assert_eq!(decide(&scope(&before), "order.write", ""), Decision::Allow, "a scope does not change");
    assert_eq!(decide(&scope(&after), "order.write", ""), Decision::Deny);
    assert_eq!(decide(&scope(&after), "order.read", ""), Decision::Allow);
}

#[test]
fn an_application_is_strict_once_it_has_a_policy() {
    let empty = registry([]);
    let policies = Policies::default();
    assert!(!policies.is_strict(&empty));
    empty.apply(&[Operation::Create(Arc::new(entry("read", READ)))], None).expect("it is right");
    assert!(policies.is_strict(&empty));
    empty.apply(&[Operation::Delete(entry("read", READ).id().clone())], None).expect("it is there");
    assert!(!policies.is_strict(&empty));
}

#[test]
fn a_host_may_decide_itself_how_strict_it_is() {
    let (without, with) = (registry([]), registry([entry("read", READ)]));
    assert!(Policies::new(Strictness::Always).is_strict(&without));
    assert!(!Policies::new(Strictness::Never).is_strict(&with));
}

#[test]
fn a_policy_that_cannot_be_read_denies_all() {
    let registry = registry([entry("broken", r#"{"actions": [], "resources": "*", "effect": "allow"}"#)]);
    let scope = Policies::default().of(&registry).scope(["app:broken"], []).expect("it is there");
    assert_eq!(decide(&scope, "order.read", "x"), Decision::Deny);
}
