//! `ratelimit`: so many requests of one client in a time.

use super::{Middleware, MiddlewareKind, Next, OPTION, OptionError, OptionSpec, Options, Stage};
use crate::message::{Request, Response, refusal};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use lru::LruCache;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

pub(super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "ratelimit",
    prefix: "ratelimit",
    doc: "Lets each client make so many requests in a time",
    stage: Stage::Before,
    options: &[
        OptionSpec {
            name: "requests",
            default: "100",
            doc: "requests that a client may make in each window",
            ..OPTION
        },
        OptionSpec { name: "window", default: "1m", doc: "the window, a duration", ..OPTION },
        OptionSpec {
            name: "burst",
            default: "20",
            doc: "requests that may come at the same moment",
            ..OPTION
        },
        OptionSpec {
            name: "key",
            default: "ip",
            doc: "what makes a client: `ip`, `header:NAME` or `query:NAME`; a request without it is told by its address",
            ..OPTION
        },
        OptionSpec {
            name: "cleanup_interval",
            default: "5m",
            doc: "how often idle clients are forgotten",
            ..OPTION
        },
        OptionSpec {
            name: "entry_ttl",
            default: "10m",
            doc: "how long an idle client is remembered",
            ..OPTION
        },
        OptionSpec {
            name: "max_entries",
            default: "100000",
            doc: "clients that are remembered; beyond that the longest idle one is forgotten",
            ..OPTION
        },
    ],
    make: |options| Ok(Arc::new(RateLimit::new(options)?)),
};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

struct RateLimit {
    requests: u64,
    /// Tokens that a bucket gains in a second.
    rate: f64,
    burst: f64,
    key: Key,
    cleanup_interval: Duration,
    entry_ttl: Duration,
    /// Keys are remembered as hashes: a header may be long, and its sender chooses it.
    hasher: RandomState,
    buckets: Mutex<Buckets>,
}

enum Key {
    Address,
    Header(HeaderName),
    Query(String),
}

struct Buckets {
    by_client: LruCache<u64, Bucket>,
    cleaned: Instant,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// What a request was told.
struct Verdict {
    is_allowed: bool,
    remaining: u64,
    /// Until the bucket holds a token, or, for a request that may pass, until it is full.
    wait: Duration,
}

impl RateLimit {
    fn new(options: &Options) -> Result<Self, OptionError> {
        let requests = options.number("requests", 100, (1, 1_000_000_000))?;
        let window = options.duration("window", Duration::from_secs(60))?;
        let most = options.number("max_entries", 100_000, (1, 10_000_000))?;
        let most = usize::try_from(most).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN);
        let key = match options.text("key").unwrap_or("ip").split_once(':') {
            None if options.text("key").unwrap_or("ip") == "ip" => Key::Address,
            Some(("header", name)) => Key::Header(
                name.parse()
                    .map_err(|_| OptionError::new("key", format!("`{name}` is no name of a header")))?,
            ),
            Some(("query", name)) if !name.is_empty() => Key::Query(name.to_owned()),
            _ => return Err(OptionError::new("key", "it is none of `ip`, `header:NAME` and `query:NAME`")),
        };
        Ok(RateLimit {
            requests,
            rate: requests as f64 / window.as_secs_f64(),
            burst: options.number("burst", 20, (1, 1_000_000_000))? as f64,
            key,
            cleanup_interval: options.duration("cleanup_interval", Duration::from_secs(300))?,
            entry_ttl: options.duration("entry_ttl", Duration::from_secs(600))?,
            hasher: RandomState::new(),
            // It grows with its clients.
            buckets: Mutex::new(Buckets { by_client: sized(most), cleaned: Instant::now() }),
        })
    }

    fn client(&self, request: &Request) -> u64 {
        match &self.key {
            Key::Address => {}
            Key::Header(name) => {
                if let Some(value) = request.head.headers.get(name) {
                    return self.hasher.hash_one((1, value.as_bytes()));
                }
            }
            Key::Query(name) => {
                let query = request.head.uri.query().unwrap_or_default();
                let value =
                    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name.as_str());
                if let Some((_, value)) = value {
                    return self.hasher.hash_one((2, value.as_bytes()));
                }
            }
        }
        self.hasher.hash_one((0, network(request.client.ip())))
    }

    fn ask(&self, client: u64) -> Verdict {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.clean(now, self.cleanup_interval, self.entry_ttl);
        let bucket = buckets.by_client.get_or_insert_mut(client, || Bucket { tokens: self.burst, at: now });
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate;
        bucket.tokens = (bucket.tokens + gained).min(self.burst);
        bucket.at = now;
        let is_allowed = bucket.tokens >= 1.0;
        if is_allowed {
            bucket.tokens -= 1.0;
        }
        let lacking = if is_allowed { self.burst - bucket.tokens } else { 1.0 - bucket.tokens };
        Verdict {
            is_allowed,
            remaining: bucket.tokens as u64,
            wait: Duration::from_secs_f64((lacking / self.rate).clamp(0.0, 1e9)),
        }
    }

    fn mark(&self, headers: &mut HeaderMap, verdict: &Verdict) {
        headers.insert(LIMIT, HeaderValue::from(self.requests));
        headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
        headers.insert(RESET, HeaderValue::from(seconds(verdict.wait)));
    }
}

/// A cache that bounds what it holds, and takes room as it fills.
fn sized(most: NonZeroUsize) -> LruCache<u64, Bucket> {
    let mut cache = LruCache::unbounded();
    cache.resize(most);
    cache
}

impl Buckets {
    /// The longest idle one is the last: what lies before it is younger.
    fn clean(&mut self, now: Instant, interval: Duration, ttl: Duration) {
        if now.saturating_duration_since(self.cleaned) < interval {
            return;
        }
        self.cleaned = now;
        while let Some((_, oldest)) = self.by_client.peek_lru() {
            if now.saturating_duration_since(oldest.at) < ttl {
                break;
            }
            self.by_client.pop_lru();
        }
    }
}

/// Whoever has an IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => (u128::from(address) & !u128::from(u64::MAX)).to_be_bytes(),
    }
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs_f64().ceil() as u64
}

impl Middleware for RateLimit {
    fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        async move {
            let verdict = self.ask(self.client(&request));
            let mut response = match verdict.is_allowed {
                true => next.run(request).await,
                false => {
                    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests");
                    let after = HeaderValue::from(seconds(verdict.wait).max(1));
                    response.headers_mut().insert(RETRY_AFTER, after);
                    response
                }
            };
            self.mark(response.headers_mut(), &verdict);
            response
        }
        .boxed()
    }
}
