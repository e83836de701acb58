//! The fields of an `http.service`, as numbers and times.

use perilune_resource::Lifecycle;
use perilune_resource::kind::optional_duration;
use perilune_value::Failure;
use serde::Deserialize;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// What an `http.service` says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Settings {
    pub(crate) addr: String,
    #[serde(default)]
    pub(crate) timeouts: Timeouts,
    #[serde(default)]
    pub(crate) limits: Limits,
    pub(crate) tls: Option<TlsSettings>,
    #[serde(default)]
    pub(crate) lifecycle: Lifecycle,
}

/// How long a client may take. There is always a limit: a connection that waits for ever costs memory for ever.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Timeouts {
    #[serde(default, deserialize_with = "optional_duration")]
    read: Option<Duration>,
    #[serde(default, deserialize_with = "optional_duration")]
    write: Option<Duration>,
    #[serde(default, deserialize_with = "optional_duration")]
    idle: Option<Duration>,
}

impl Timeouts {
    pub(crate) fn read(&self) -> Duration {
        self.read.unwrap_or(Duration::from_secs(30))
    }

    pub(crate) fn write(&self) -> Duration {
        self.write.unwrap_or(Duration::from_secs(60))
    }

    pub(crate) fn idle(&self) -> Duration {
        self.idle.unwrap_or(Duration::from_secs(60))
    }
}

/// How much clients may take.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Limits {
    pub(crate) max_connections: usize,
    #[serde(deserialize_with = "bytes")]
    pub(crate) max_header_bytes: u64,
    pub(crate) max_headers: usize,
    #[serde(deserialize_with = "bytes")]
    pub(crate) max_body: u64,
    #[serde(deserialize_with = "duration")]
    pub(crate) header_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            // A connection that waits takes some 20 KiB and a file descriptor, of which a process often has 1,024.
            max_connections: 10_000,
            max_header_bytes: 64 << 10,
            max_headers: 100,
            max_body: 120 << 20,
            header_timeout: Duration::from_secs(10),
        }
    }
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    perilune_resource::kind::duration(deserializer)
}

fn bytes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    perilune_registry::parse_bytes(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no size such as 64KiB")))
}

/// What an `http.service` says of encryption.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TlsSettings {
    pub(crate) mode: String,
    pub(crate) cert: String,
    pub(crate) key: String,
    pub(crate) client_ca: Option<String>,
    pub(crate) client_auth: Option<String>,
}

/// Where to listen: `:8080` means all addresses of the machine.
pub(crate) fn address(text: &str) -> Result<Vec<SocketAddr>, Failure> {
    let wrong = |what: &str| {
        Failure::invalid(format!(
            "field `addr`: `{text}` {what}; write `:8080`, `127.0.0.1:8080` or `localhost:8080`"
        ))
    };
    if let Some(port) = text.strip_prefix(':') {
        let port = port.parse().map_err(|_| wrong("has no port"))?;
        return Ok(vec![
            SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port),
            SocketAddr::new(IpAddr::from([0, 0, 0, 0]), port),
        ]);
    }
    if let Ok(address) = text.parse() {
        return Ok(vec![address]);
    }
    match text.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some(("localhost", Ok(port))) => Ok(vec![SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port)]),
        Some(_) => Err(wrong("names no address of this machine")),
        None => Err(wrong("has no port")),
    }
}
