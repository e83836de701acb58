//! `real_ip`: who asks, where a proxy stands in between.

use super::{Middleware, MiddlewareKind, Next, OPTION, OptionError, OptionSpec, Options, Stage};
use crate::message::{Request, Response};
use futures_util::future::BoxFuture;
use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub(super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "real_ip",
    prefix: "real_ip",
    doc: "Takes the client's address from what a trusted proxy says",
    stage: Stage::Before,
    options: &[
        OptionSpec {
            name: "trusted.subnets",
            default: "private networks",
            doc: "networks of the proxies, between commas, such as `10.0.0.0/8`",
            ..OPTION
        },
        OptionSpec {
            name: "trust_all",
            default: "false",
            doc: "believe everybody, where nobody but the proxy can connect",
            ..OPTION
        },
    ],
    make: |options| Ok(Arc::new(RealIp::new(options)?)),
};

/// Networks that no client of the public internet connects from.
const PRIVATE: &[&str] = &[
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// Headers that hold one address, the most telling first.
const SINGLE: &[&str] = &["true-client-ip", "x-real-ip"];
const FORWARDED: &str = "x-forwarded-for";

struct RealIp {
    trusted: Vec<IpNet>,
    trust_all: bool,
}

impl RealIp {
    fn new(options: &Options) -> Result<Self, OptionError> {
        let listed = options.list("trusted.subnets").unwrap_or_else(|| PRIVATE.to_vec());
        let network = |text: &str| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            text.parse().or(address).map_err(|_| {
                OptionError::new("trusted.subnets", format!("`{text}` is no network such as `10.0.0.0/8`"))
            })
        };
        Ok(RealIp {
            trusted: listed.into_iter().map(network).collect::<Result<_, _>>()?,
            trust_all: options.bool("trust_all")?,
        })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trust_all || self.trusted.iter().any(|network| network.contains(&address))
    }

    /// What the headers of a trusted proxy say.
    fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let single = |name: &&str| address(headers.get(*name)?.to_str().ok()?);
        SINGLE.iter().find_map(single).or_else(|| self.forwarded(headers))
    }

    /// Each proxy adds at the end whom it saw: the last that is no proxy is the client. What stands before is hearsay.
    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let values: Vec<&str> =
            headers.get_all(FORWARDED).iter().map(|value| value.to_str()).collect::<Result<_, _>>().ok()?;
        let mut found = None;
        for item in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            let Some(hop) = address(item) else { break };
            found = Some(hop);
            if !self.trusts(hop) {
                break;
            }
        }
        found
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare =
        text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inside, _)| inside);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

impl Middleware for RealIp {
    fn handle<'a>(&'a self, mut request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        if self.trusts(request.connection.peer.ip())
            && let Some(client) = self.client(&request.head.headers)
        {
            request.client.set_ip(client);
        }
        next.run(request)
    }
}
