//! The crate's promises as tables.

mod classes;
mod patterns;
mod policies;

use perilune_network::{Host, List, Target};
use std::net::IpAddr;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text} is an address"))
}

fn list(items: &[&str]) -> List {
    List::parse(items).unwrap_or_else(|error| panic!("{error}"))
}

fn target(text: &str) -> Target {
    let url = url::Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Target::of(&url).unwrap_or_else(|| panic!("{text} has a host and a port"))
}

fn name(text: &str) -> Host {
    Host::Name(text.to_owned())
}
