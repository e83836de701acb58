//! The host's list, and the entry's own.

use crate::{address, list, target};
use perilune_network::{Host, Policy};
use proptest::prelude::*;
use std::net::IpAddr;
use std::sync::Arc;

fn policy(host: &[&str], own: Option<&[&str]>) -> Policy {
    Policy::new(Arc::new(list(host)), own.map(|items| Arc::new(list(items))))
}

#[test]
fn nothing_is_reached_unless_the_host_says_so() {
    let none = policy(&[], None);
    assert!(none.may_resolve(&target("https://example.com")).is_err());
    assert!(none.may_connect(&target("http://1.1.1.1"), address("1.1.1.1")).is_err());
}

#[test]
fn an_entry_narrows_and_never_widens() {
    for (host, own, url, at, is_reached) in [
        (&["*"][..], &["api.example.com"][..], "http://api.example.com", "1.1.1.1", true),
        (&["*"], &["api.example.com"], "http://example.com", "1.1.1.1", false),
        (&["*"], &["localhost"], "http://localhost", "127.0.0.1", false),
        (&["localhost"], &["localhost"], "http://localhost", "127.0.0.1", true),
        (&["localhost"], &["*"], "http://localhost", "127.0.0.1", false),
        (&["localhost:80", "*"], &["localhost:81", "*"], "http://localhost", "127.0.0.1", false),
        (&["*"], &[], "http://example.com", "1.1.1.1", false),
        (&["10.0.0.0/8"], &["db.internal"], "http://db.internal", "10.0.0.1", true),
        (&["10.0.0.0/8"], &["db.internal"], "http://db.internal", "1.1.1.1", false),
    ] {
        let policy = policy(host, Some(own));
        assert_eq!(
            policy.may_connect(&target(url), address(at)).is_ok(),
            is_reached,
            "{host:?} {own:?} {url}"
        );
    }
}

#[test]
fn what_no_item_could_admit_is_not_even_looked_up() {
    let named = policy(&["api.example.com", "*.internal:80"], None);
    for (url, is_resolved) in [
        ("http://api.example.com", true),
        ("http://a.internal", true),
        ("http://a.internal:81", false),
        ("http://secret.evil.com", false),
    ] {
        assert_eq!(named.may_resolve(&target(url)).is_ok(), is_resolved, "{url}");
    }
    // Any name may turn out to lie in a network.
    assert!(policy(&["10.0.0.0/8"], None).may_resolve(&target("http://any.example.com")).is_ok());
}

#[test]
fn a_refusal_says_what_to_do() {
    for (host, own, url, at, says) in [
        (&[][..], None, "http://a.example:81", "1.1.1.1", "`--allow-net a.example:81`"),
        (&["*"], None, "http://localhost:81", "127.0.0.1", "this machine, which must be allowed by its name"),
        (&["*"], None, "http://localhost:81", "127.0.0.1", "`--allow-net localhost:81`"),
        (
            &["x.example"],
            None,
            "http://x.example",
            "169.254.169.254",
            "must be allowed by the address itself",
        ),
        (&["10.0.0.0/8"], None, "http://x.example", "1.1.1.1", "`--allow-net x.example`"),
        (
            &["*"],
            Some(&[][..]),
            "http://x.example",
            "1.1.1.1",
            "`network.allow` does not list it; add `x.example`",
        ),
        (&["localhost"], Some(&["*"]), "http://localhost", "127.0.0.1", "add `localhost`"),
    ] {
        let refusal = policy(host, own).may_connect(&target(url), address(at)).expect_err(url).to_string();
        assert!(refusal.contains(says), "{refusal}");
        assert!(
            !refusal.contains(at),
            "the address that a name stands for is none of the entry's business: {refusal}"
        );
    }
}

proptest! {
    #[test]
    fn what_an_entry_reaches_the_host_allows(
        host in proptest::sample::subsequence(vec!["*", "*.a.example", "b.example:80", "10.0.0.0/8", "::1"], 0..5),
        own in proptest::sample::subsequence(vec!["*", "*.a.example", "b.example:80", "10.0.0.0/8", "::1"], 0..5),
        name in proptest::sample::select(vec!["x.a.example", "a.example", "b.example", "b.example:81", "[::1]", "10.1.1.1"]),
        at: IpAddr,
    ) {
        let target = target(&format!("http://{name}"));
        if policy(&host, Some(&own)).may_connect(&target, at).is_ok() {
            prop_assert!(policy(&host, None).may_connect(&target, at).is_ok());
            prop_assert!(policy(&own, None).may_connect(&target, at).is_ok());
        }
    }
}

#[test]
fn who_looks_addresses_up_by_himself_reaches_what_an_item_names() {
    for (items, url, is_reached) in [
        (&["db.internal"][..], "http://db.internal:5432", true),
        (&["db.internal:5432"], "http://db.internal:5432", true),
        (&["db.internal:1"], "http://db.internal:5432", false),
        (&["*"], "http://db.internal:5432", false),
        (&["*.internal"], "http://db.internal:5432", false),
        (&["10.0.0.0/8"], "http://db.internal:5432", false),
        (&["10.0.0.0/8"], "http://10.0.0.1:5432", true),
        (&["*"], "http://1.1.1.1:5432", true),
        (&["*"], "http://10.0.0.1:5432", false),
    ] {
        assert_eq!(policy(items, None).may_delegate(&target(url)).is_ok(), is_reached, "{items:?} {url}");
    }
    let narrowed = policy(&["db.internal"], Some(&["other.internal"]));
    assert!(narrowed.may_delegate(&target("http://db.internal:5432")).is_err());
}

#[test]
fn a_name_is_looked_up_where_both_lists_might_admit_it_at_some_port() {
    let policy = policy(&["*.example.com", "localhost:8080"], Some(&["api.example.com", "localhost"]));
    for (name, expected) in [
        ("api.example.com", true),
        ("localhost", true),
        ("www.example.com", false),
        ("example.org", false),
        ("127.0.0.1", false),
    ] {
        assert_eq!(policy.may_look_up(&Host::parse(name).unwrap()), expected, "{name}");
    }
}
