//! Addresses of names.

use super::broken;
use super::lanes::Lane;
use lru::LruCache;
use perilune_value::Failure;
use std::net::{IpAddr, ToSocketAddrs};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer is used again. Who may connect to it is decided each time, so an old answer is never a wrong permission; a
/// service that moves is found again soon.
const FRESH: Duration = Duration::from_secs(5);

/// Names whose addresses are remembered.
const REMEMBERED: NonZero<usize> = NonZero::new(1_024).expect("invariant: it is above zero");

/// Addresses of one name that are tried.
const ADDRESSES: usize = 16;

/// What a name was found to stand for, and when.
type Answer = (Instant, Arc<[IpAddr]>);

/// Looks names up and remembers the answers for a moment.
pub(crate) struct Names(Mutex<LruCache<String, Answer>>);

impl Default for Names {
    fn default() -> Self {
        Names(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Names {
    /// The addresses of a name, at least one.
    pub(crate) async fn resolve(&self, name: &str, lane: &Lane) -> Result<Arc<[IpAddr]>, Failure> {
        if let Some(known) = self.known(name) {
            return Ok(known);
        }
        let permit = lane.lookup().await;
        // Somebody else may have had the same question in front of this one.
        if let Some(known) = self.known(name) {
            return Ok(known);
        }
        let asked = name.to_owned();
        let lookup = tokio::task::spawn_blocking(move || {
            // A lookup cannot be broken off: its place is taken until it ends, whether anybody waits for it or not.
            let _permit = permit;
            let found = (asked.as_str(), 0).to_socket_addrs()?;
            std::io::Result::Ok(found.map(|address| address.ip()).take(ADDRESSES).collect::<Vec<_>>())
        });
        let found =
            lookup.await.map_err(|_| broken(format!("the host failed while it looked `{name}` up")))?;
        let found = found.map_err(|error| broken(format!("`{name}` has no address: {error}")))?;
        if found.is_empty() {
            return Err(broken(format!("`{name}` has no address")));
        }
        let addresses: Arc<[IpAddr]> = found.into();
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.put(name.to_owned(), (Instant::now(), addresses.clone()));
        Ok(addresses)
    }

    fn known(&self, name: &str) -> Option<Arc<[IpAddr]>> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, addresses) = names.get(name)?;
        (since.elapsed() < FRESH).then(|| addresses.clone())
    }
}
