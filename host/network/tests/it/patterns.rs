//! Items of lists: what they look like, and what they admit.

use crate::{address, list, name, target};
use perilune_network::{Host, Pattern, Policy, Target};
use proptest::prelude::*;
use std::sync::Arc;

fn admits(items: &[&str], url: &str, at: &str) -> bool {
    Policy::new(Arc::new(list(items)), None).may_connect(&target(url), address(at)).is_ok()
}

#[test]
fn a_star_admits_every_public_address_and_no_other() {
    assert!(admits(&["*"], "https://example.com", "93.184.215.14"));
    assert!(admits(&["*"], "http://93.184.215.14:8080", "93.184.215.14"));
    for private in
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0"]
    {
        assert!(!admits(&["*"], "https://example.com", private), "{private}");
    }
}

#[test]
fn a_name_admits_itself_at_public_and_private_addresses() {
    assert!(admits(&["localhost"], "http://localhost:8080", "127.0.0.1"));
    assert!(admits(&["db.internal"], "http://db.internal", "10.0.0.7"));
    assert!(admits(&["api.example.com"], "http://api.example.com", "93.184.215.14"));
    for other in [
        "http://example.com",
        "http://x.api.example.com",
        "http://api.example.com.evil.com",
        "http://10.0.0.7",
    ] {
        assert!(!admits(&["api.example.com", "db.internal"], other, "10.0.0.7"), "{other}");
    }
}

#[test]
fn no_name_reaches_where_clouds_hand_out_credentials() {
    let special = "169.254.169.254";
    assert!(!admits(&["metadata.example.com"], "http://metadata.example.com", special));
    assert!(admits(&[special], "http://169.254.169.254", special));
    assert!(admits(&["169.254.0.0/16"], "http://metadata.example.com", special));
}

#[test]
fn a_star_in_front_of_a_name_admits_what_is_below_it_at_public_addresses() {
    let items = &["*.example.com"];
    assert!(admits(items, "http://api.example.com", "93.184.215.14"));
    assert!(admits(items, "http://a.b.example.com", "93.184.215.14"));
    for other in
        ["http://example.com", "http://notexample.com", "http://.example.com", "http://example.com.evil.com"]
    {
        assert!(!admits(items, other, "93.184.215.14"), "{other}");
    }
    assert!(!admits(items, "http://api.example.com", "10.0.0.1"));
}

#[test]
fn a_network_admits_its_addresses_by_whatever_name() {
    let items = &["10.0.0.0/8", "[fd00::1]", "192.168.1.5"];
    for (url, at) in [
        ("http://10.1.2.3", "10.1.2.3"),
        ("http://any.example.com", "10.1.2.3"),
        ("http://[::ffff:10.0.0.1]", "10.0.0.1"),
        ("http://any.example.com", "::ffff:10.0.0.1"),
        ("http://[fd00::1]", "fd00::1"),
        ("http://192.168.1.5", "192.168.1.5"),
    ] {
        assert!(admits(items, url, at), "{url} at {at}");
    }
    for (url, at) in [
        ("http://11.1.2.3", "11.1.2.3"),
        ("http://any.example.com", "11.1.2.3"),
        ("http://[fd00::2]", "fd00::2"),
        // Another address that a translator would take to the same place.
        ("http://[64:ff9b::a00:1]", "64:ff9b::10.0.0.1"),
    ] {
        assert!(!admits(items, url, at), "{url} at {at}");
    }
}

#[test]
fn a_port_narrows_an_item() {
    let items = &["localhost:8080", "*:443", "127.0.0.1:9000", "[::1]:9000"];
    for (url, at) in [
        ("http://localhost:8080", "127.0.0.1"),
        ("https://example.com", "93.184.215.14"),
        ("http://127.0.0.1:9000", "127.0.0.1"),
        ("ws://[::1]:9000", "::1"),
        ("wss://example.com", "93.184.215.14"),
    ] {
        assert!(admits(items, url, at), "{url}");
    }
    for (url, at) in [
        ("http://localhost:8081", "127.0.0.1"),
        ("http://localhost", "127.0.0.1"),
        ("http://example.com", "93.184.215.14"),
        ("https://localhost", "127.0.0.1"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
        ("ws://example.com", "93.184.215.14"),
    ] {
        assert!(!admits(items, url, at), "{url}");
    }
}

#[test]
fn hosts_are_compared_as_urls_mean_them() {
    for (written, meant) in [
        ("http://EXAMPLE.com./", name("example.com")),
        ("http://2130706433/", Host::Address(address("127.0.0.1"))),
        ("http://0x7f.1/", Host::Address(address("127.0.0.1"))),
        ("http://017700000001/", Host::Address(address("127.0.0.1"))),
        ("http://[::ffff:7f00:1]/", Host::Address(address("127.0.0.1"))),
        ("http://ｅxample.com/", name("example.com")),
        ("http://bücher.example/", name("xn--bcher-kva.example")),
        ("http://a@b.example:80/", name("b.example")),
    ] {
        assert_eq!(target(written), Target { host: meant, port: 80 }, "{written}");
    }
}

#[test]
fn an_item_is_written_in_one_way() {
    for (written, shown) in [
        ("*", "*"),
        (" *.Example.com ", "*.example.com"),
        ("Example.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost:8080", "localhost:8080"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("::1", "[::1]"),
        ("[::1]:80", "[::1]:80"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("*:443", "*:443"),
    ] {
        let pattern: Pattern = written.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pattern.to_string(), shown);
        assert_eq!(shown.parse(), Ok(pattern));
    }
}

#[test]
fn what_is_no_item_is_refused_with_the_reason() {
    for (written, reason) in [
        ("", "no host name"),
        ("https://example.com", "scheme"),
        ("example.com/path", "path"),
        ("a@example.com", "path or a user"),
        ("example.com:0", "port"),
        ("example.com:70000", "port"),
        ("example.com:http", "port"),
        ("api.*.com", "stands alone"),
        ("**", "stands alone"),
        ("*example.com", "stands alone"),
        ("*.10.0.0.1", "in front of a name"),
        ("10.0.0.0/33", "prefix"),
        ("::ffff:10.0.0.0/104", "IPv4 network"),
        ("exa mple.com", "no host name"),
        (".", "no host name"),
        ("..", "no host name"),
        ("a..", "no host name"),
    ] {
        let error = written.parse::<Pattern>().expect_err(written).to_string();
        assert!(error.contains(reason) && error.contains(&format!("`{written}`")), "{error}");
    }
}

proptest! {
    #[test]
    fn an_item_that_is_shown_reads_as_itself(text in r"(\*\.|\*)?[a-z0-9.:\[\]/-]{0,12}(:[0-9]{1,5})?") {
        if let Ok(pattern) = text.parse::<Pattern>() {
            prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
    }

    #[test]
    fn any_text_is_an_item_or_refused(text in ".*") {
        let _ = text.parse::<Pattern>();
    }
}
