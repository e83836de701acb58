//! What a URL connects to.

use std::fmt;
use std::net::IpAddr;
use url::Url;

/// A host, as URLs name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name in lower case, without a dot at its end, in the ASCII form of international names.
    Name(String),
    /// An address; one of IPv4 in the clothes of IPv6 is the IPv4 address.
    Address(IpAddr),
}

impl Host {
    /// Reads a host as it stands in a URL: `Example.COM.`, `127.1`, `[::1]`.
    pub fn parse(text: &str) -> Option<Host> {
        url::Host::parse(text).ok().and_then(|host| Host::of(&host))
    }

    fn of<S: AsRef<str>>(host: &url::Host<S>) -> Option<Host> {
        match host {
            url::Host::Domain(name) => {
                let name = name.as_ref().strip_suffix('.').unwrap_or(name.as_ref());
                let is_name = !name.is_empty() && !name.ends_with('.');
                is_name.then(|| Host::Name(name.to_ascii_lowercase()))
            }
            url::Host::Ipv4(address) => Some(Host::Address((*address).into())),
            url::Host::Ipv6(address) => Some(Host::Address(IpAddr::from(*address).to_canonical())),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Whom.
    pub host: Host,
    /// Where.
    pub port: u16,
}

impl Target {
    /// What a URL connects to; `None` for one without a host or a known port.
    pub fn of(url: &Url) -> Option<Target> {
        let port = match url.scheme() {
            "ws" => url.port().unwrap_or(80),
            "wss" => url.port().unwrap_or(443),
            _ => url.port_or_known_default()?,
        };
        Some(Target { host: Host::of(&url.host()?)?, port })
    }
}

impl fmt::Display for Target {
    /// Without a port that everybody expects: what an item of a list should say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            80 | 443 => write!(f, "{}", self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}
