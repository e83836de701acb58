//! Items of a list of hosts.
//!
//! | item | admits |
//! |---|---|
//! | `*` | every public address |
//! | `*.example.com` | names below `example.com`, at public addresses |
//! | `example.com`, `localhost` | the name, at public and private addresses |
//! | `10.1.2.3`, `10.0.0.0/8`, `[fd00::1]` | the address or network, by whatever name |
//!
//! All but networks take a port behind: `localhost:8080`. Without one, any port is meant.

use crate::{Class, Host, Target};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    hosts: Hosts,
    /// None for any.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Hosts {
    Public,
    Below(String),
    Name(String),
    Network(IpNet),
}

/// Why a text is no item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{item}` names no hosts: {reason}; write a host such as `api.example.com`, `*.example.com`, `localhost:8080`, `10.0.0.0/8` or `*`"
)]
pub struct PatternError {
    item: String,
    reason: &'static str,
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        parse(text).map_err(|reason| PatternError { item: text.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<Pattern, &'static str> {
    if let Ok(net) = text.parse::<IpNet>() {
        return network(net).map(|hosts| Pattern { hosts, port: None });
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Pattern { hosts: Hosts::Network(address.to_canonical().into()), port: None });
    }
    if text.contains("://") {
        return Err("a scheme does not belong to it");
    } else if text.split_once('/').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok()) {
        return Err("the length of its prefix is no number of bits of the address");
    } else if text.contains(['/', '?', '#', '@']) {
        return Err("a path or a user does not belong to it");
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = match port.map(str::parse) {
        None => None,
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => return Err("its port is no number from 1 to 65535"),
    };
    let hosts = match host {
        "*" => Hosts::Public,
        _ => match host.strip_prefix("*.") {
            Some(name) => Hosts::Below(below(name)?),
            None => named(host)?,
        },
    };
    Ok(Pattern { hosts, port })
}

fn network(net: IpNet) -> Result<Hosts, &'static str> {
    match net {
        // Addresses in these clothes are compared as what they are.
        IpNet::V6(net) if net.addr().to_ipv4_mapped().is_some() => Err("an IPv4 network is written as one"),
        net => Ok(Hosts::Network(net.trunc())),
    }
}

fn below(name: &str) -> Result<String, &'static str> {
    match named(name)? {
        Hosts::Name(name) => Ok(name),
        _ => Err("`*.` stands in front of a name"),
    }
}

fn named(host: &str) -> Result<Hosts, &'static str> {
    if host.contains('*') {
        return Err("`*` stands alone, or with a dot in front of a name");
    }
    match Host::parse(host) {
        Some(Host::Name(name)) => Ok(Hosts::Name(name)),
        Some(Host::Address(address)) => Ok(Hosts::Network(address.into())),
        None => Err("it is no host name"),
    }
}

impl Pattern {
    fn has_port(&self, target: &Target) -> bool {
        self.port.is_none_or(|port| port == target.port)
    }

    /// Whether some address of the target might be admitted.
    fn concerns(&self, target: &Target) -> bool {
        let is_concerned = match (&self.hosts, &target.host) {
            (Hosts::Public, _) | (Hosts::Network(_), Host::Name(_)) => true,
            (Hosts::Below(suffix), Host::Name(name)) => is_below(name, suffix),
            (Hosts::Name(listed), Host::Name(name)) => listed == name,
            (Hosts::Network(net), Host::Address(address)) => net.contains(address),
            (Hosts::Below(_) | Hosts::Name(_), Host::Address(_)) => false,
        };
        is_concerned && self.has_port(target)
    }

    /// Whether it admits the target at whatever address its name turns out to have.
    fn names(&self, target: &Target) -> bool {
        let is_named = match (&self.hosts, &target.host) {
            (Hosts::Name(listed), Host::Name(name)) => listed == name,
            (Hosts::Public, Host::Address(address)) => Class::of(*address) == Class::Public,
            (Hosts::Network(net), Host::Address(address)) => net.contains(address),
            (Hosts::Public | Hosts::Below(_) | Hosts::Network(_), Host::Name(_))
            | (Hosts::Below(_) | Hosts::Name(_), Host::Address(_)) => false,
        };
        is_named && self.has_port(target)
    }

    /// Whether the target may be reached at one of its addresses.
    fn admits(&self, target: &Target, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_admitted = match &self.hosts {
            Hosts::Public | Hosts::Below(_) => Class::of(address) == Class::Public,
            Hosts::Name(_) => !matches!(Class::of(address), Class::Special(_)),
            Hosts::Network(net) => net.contains(&address),
        };
        is_admitted && self.concerns(target)
    }
}

fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Public => f.write_str("*")?,
            Hosts::Below(name) => write!(f, "*.{name}")?,
            Hosts::Name(name) => f.write_str(name)?,
            Hosts::Network(net) if net.prefix_len() == net.max_prefix_len() => {
                write!(f, "{}", Host::Address(net.addr()))?;
            }
            Hosts::Network(net) => write!(f, "{net}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Several items: what one of them admits is admitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct List(Vec<Pattern>);

impl List {
    /// Reads the items.
    ///
    /// # Errors
    ///
    /// What is wrong with the first one that is none.
    pub fn parse<S: AsRef<str>>(items: &[S]) -> Result<Self, PatternError> {
        items.iter().map(|item| item.as_ref().parse()).collect::<Result<_, _>>().map(List)
    }

    pub(crate) fn concerns(&self, target: &Target) -> bool {
        self.0.iter().any(|item| item.concerns(target))
    }

    /// At any port.
    pub(crate) fn concerns_host(&self, host: &Host) -> bool {
        let at_its_port = |item: &Pattern| Target { host: host.clone(), port: item.port.unwrap_or_default() };
        self.0.iter().any(|item| item.concerns(&at_its_port(item)))
    }

    pub(crate) fn names(&self, target: &Target) -> bool {
        self.0.iter().any(|item| item.names(target))
    }

    pub(crate) fn admits(&self, target: &Target, address: IpAddr) -> bool {
        self.0.iter().any(|item| item.admits(target, address))
    }
}
