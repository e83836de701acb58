//! Settings, entries, and servers that they name.

use super::Finding;
use crate::application;
use crate::settings::Given;
use perilune::{BuildError, Entry, Runtime};
use perilune_settings::{From, Settings};
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a server may take to be reached.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn findings(directory: &Path, settings: &Settings, given: &Given) -> Vec<Finding> {
    let mut findings = vec![of_settings(given)];
    match application::builder(settings).directory(directory).build() {
        _ if !directory.is_dir() => {
            let message = format!("{} is not a directory", directory.display());
            findings.push(Finding::fail("application", message, "name the application's directory with -C"));
        }
        Ok(runtime) => {
            let count = runtime.registry().snapshot().len();
            let none = "no entries here; `perilune init` makes an application";
            findings.push(match count {
                0 => Finding::info("application", none),
                count => Finding::ok("application", format!("{count} entries")),
            });
            findings.extend(temporal(&runtime).await);
        }
        Err(BuildError::Entries(report)) => findings.push(Finding::warn(
            "application",
            format!("{} with its entries", counted(report.len())),
            "`perilune registry list` shows them all",
        )),
        Err(error) => findings.push(Finding::warn("application", error.to_string(), "see `sandbox` above")),
    }
    findings
}

fn counted(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

fn of_settings(given: &Given) -> Finding {
    if let Some(problems) = &given.problems {
        let first = problems.iter().next().map_or("", |problem| problem.message());
        let message = format!("{}: {first}", counted(problems.iter().count()));
        return Finding::fail(
            "settings",
            message,
            "`perilune settings` shows them all; the defaults are looked at here",
        );
    }
    let changed = given.resolved.iter().filter(|setting| setting.from != From::Default).count();
    let file = match given.resolved.file() {
        Some(file) => format!("{} and the environment", file.display()),
        None => "the environment and flags".to_owned(),
    };
    match changed {
        0 => Finding::ok("settings", "all defaults"),
        count => Finding::ok("settings", format!("{count} differ from the defaults, by {file}")),
    }
}

/// Whether the servers of `temporal.client` entries can be reached.
async fn temporal(runtime: &Runtime) -> Vec<Finding> {
    let snapshot = runtime.registry().snapshot();
    let clients = snapshot.entries().filter(|entry| entry.kind() == "temporal.client");
    let mut findings = Vec::new();
    for client in clients {
        findings.push(reached(client).await);
    }
    findings
}

async fn reached(client: &Entry) -> Finding {
    const CHECK: &str = "Temporal";
    let id = client.id();
    let address = client.data().get("address").and_then(|address| address.as_str()).unwrap_or_default();
    if address.contains("${") {
        return Finding::info(CHECK, format!("{id}: its address `{address}` depends on the environment"));
    }
    let Some(authority) = authority(address) else {
        return Finding::warn(CHECK, format!("{id}: `{address}` is no address"), "write `host:port`");
    };
    let help = "start the server, or look at `address`; workers go on trying";
    match timeout(PATIENCE, TcpStream::connect(&authority)).await {
        Ok(Ok(_)) => Finding::ok(CHECK, format!("{id}: {authority} answers")),
        Ok(Err(error)) => Finding::warn(CHECK, format!("{id}: {authority} cannot be reached: {error}"), help),
        Err(_) => {
            Finding::warn(CHECK, format!("{id}: {authority} does not answer within {PATIENCE:?}"), help)
        }
    }
}

/// `host:port` of an address, which may be a URL.
fn authority(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    let authority = rest.split('/').next().filter(|authority| !authority.is_empty())?;
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(match (has_port, scheme) {
        (true, _) => authority.to_owned(),
        (false, "https") => format!("{authority}:443"),
        (false, _) => format!("{authority}:80"),
    })
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn an_address_is_reduced_to_host_and_port() {
        for (address, expected) in [
            ("localhost:7233", Some("localhost:7233")),
            ("http://temporal.example:7233", Some("temporal.example:7233")),
            ("https://temporal.example/path", Some("temporal.example:443")),
            ("[::1]:7233", Some("[::1]:7233")),
            ("", None),
            ("http://", None),
        ] {
            assert_eq!(authority(address).as_deref(), expected, "{address:?}");
        }
    }
}
