//! reqwest's clients and the connections that they keep.
//!
//! A connection is used again only by calls that could have made it themselves: each policy, each set of TLS options has clients
//! of its own, and so have addresses that are not public, for which a call may need permission.

use crate::network::Route;
use crate::network::tls::TlsOptions;
use lru::LruCache;
use perilune_network::Policy;
use perilune_value::Failure;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder, redirect};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long connecting may take, of the time for all.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection waits for another request.
const IDLE: Duration = Duration::from_secs(30);

/// Connections that wait, to one host.
const IDLE_PER_HOST: usize = 4;

/// Hosts to which connections wait. With an allow-list of `*`, a script could name a new host a millisecond, and each would leave
/// a descriptor behind.
const HOSTS: usize = 128;

/// Clients that are kept: one for each policy and set of TLS options, and kind of address.
const CLIENTS: NonZero<usize> = NonZero::new(256).expect("invariant: it is above zero");

/// Bytes of all headers of a response by HTTP/2; HTTP/1 has 100 headers and 400 KiB at most.
const MOST_HEADERS: u32 = 64 << 10;

tokio::task_local! {
    /// Where the request that is being sent may go.
    static ADDRESSES: Arc<[SocketAddr]>;
}

/// All that names stand for is in the request's route; what was not looked at there is not connected to.
struct Checked;

impl Resolve for Checked {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = ADDRESSES.try_with(Arc::clone);
        Box::pin(async move {
            let addresses = addresses.map_err(|_| "this connection belongs to no request")?;
            let addresses: Vec<_> = addresses.iter().copied().collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whose connections a client keeps.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    policy: Policy,
    tls: TlsOptions,
    is_private: bool,
    /// Whether it keeps any.
    keeps: bool,
}

/// The clients of one host.
pub(super) struct Clients {
    clients: Mutex<LruCache<Key, Client>>,
    /// Hosts to which connections wait, and since when none was used.
    hosts: Mutex<HashMap<(Key, String), Instant>>,
}

impl Default for Clients {
    fn default() -> Self {
        Clients { clients: Mutex::new(LruCache::new(CLIENTS)), hosts: Mutex::default() }
    }
}

impl Clients {
    /// The client for a route; `authority` is host and port of the URL.
    ///
    /// # Errors
    ///
    /// `Invalid` for TLS options that are wrong.
    pub(super) fn client(
        &self,
        policy: &Policy,
        tls: &TlsOptions,
        route: &Route,
        authority: String,
    ) -> Result<Client, Failure> {
        let mut key = Key { policy: policy.clone(), tls: tls.clone(), is_private: route.is_private, keeps: true };
        key.keeps = self.may_keep(&key, authority);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = build(builder(tls)?.pool_max_idle_per_host(if key.keeps { IDLE_PER_HOST } else { 0 }))?;
        clients.put(key, client.clone());
        Ok(client)
    }

    fn may_keep(&self, key: &Key, authority: String) -> bool {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS {
            hosts.retain(|_, used| used.elapsed() < IDLE);
        }
        let host = (key.clone(), authority);
        if hosts.len() >= HOSTS && !hosts.contains_key(&host) {
            return false;
        }
        hosts.insert(host, Instant::now());
        true
    }
}

/// A client whose requests all go to one socket of this machine.
///
/// # Errors
///
/// `Invalid` for TLS options that are wrong.
pub(super) fn on_socket(path: &Path, tls: &TlsOptions) -> Result<Client, Failure> {
    build(builder(tls)?.unix_socket(path).pool_max_idle_per_host(0))
}

fn builder(tls: &TlsOptions) -> Result<ClientBuilder, Failure> {
    Ok(Client::builder()
        .tls_backend_preconfigured(tls.config(&[b"h2", b"http/1.1"])?)
        // Each hop is checked, so each is a request of its own.
        .redirect(redirect::Policy::none())
        // What the environment names was not checked.
        .no_proxy()
        .dns_resolver(Checked)
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .http2_max_header_list_size(MOST_HEADERS)
        .user_agent(concat!("perilune/", env!("CARGO_PKG_VERSION"))))
}

fn build(builder: ClientBuilder) -> Result<Client, Failure> {
    builder.build().map_err(|error| Failure::internal(format!("no HTTP client: {error}")))
}

/// Sends a request to the addresses of its route and nowhere else.
pub(super) async fn send(
    client: &Client,
    route: &Route,
    request: reqwest::Request,
) -> reqwest::Result<reqwest::Response> {
    ADDRESSES.scope(route.addresses.clone(), client.execute(request)).await
}
