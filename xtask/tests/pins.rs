//! The pinned compiler: one archive per platform, each with its own hash.

use std::collections::HashSet;

use xtask::pins::{VERSION, WHEELS, wheel};

#[test]
fn every_supported_platform_has_a_wheel() {
    for os in ["linux", "macos", "windows"] {
        for arch in ["x86_64", "aarch64"] {
            assert!(wheel(os, arch).is_some(), "{os} on {arch}");
        }
    }
    assert!(wheel("plan9", "x86_64").is_none());
}

#[test]
fn every_hash_is_a_sha256_of_its_own() {
    for wheel in WHEELS {
        assert_eq!(wheel.sha256.len(), 64, "{wheel:?}");
        assert!(wheel.sha256.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{wheel:?}");
    }
    let hashes: HashSet<_> = WHEELS.iter().map(|wheel| wheel.sha256).collect();
    assert_eq!(hashes.len(), WHEELS.len(), "two platforms share a hash");
}

#[test]
fn a_requirement_pins_version_and_hash() {
    let wheel = wheel("linux", "x86_64").unwrap();
    let expected = format!("ziglang=={VERSION} --hash=sha256:{}\n", wheel.sha256);
    assert_eq!(wheel.requirement(), expected);
}
