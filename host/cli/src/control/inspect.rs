//! One process, as text.

use super::text::{count, list, shown, size, time};
use perilune::{ProcessDetails, ProcessKind, ServiceInfo};

/// A fact a line.
pub(super) fn render(details: &ProcessDetails) -> String {
    let process = &details.process;
    let mailbox = &process.mailbox;
    let kind = match process.kind {
        ProcessKind::Process => "process",
        ProcessKind::Call => "call",
        ProcessKind::Client => "client",
    };
    let parent = match &process.parent {
        None => "-".to_owned(),
        Some(parent) if details.parent_is_alive => parent.clone(),
        Some(parent) => format!("{parent}, which has ended"),
    };
    let unread = format!(
        "{} of {} messages, {} of {}",
        mailbox.messages,
        mailbox.max_messages,
        size(mailbox.bytes),
        size(mailbox.max_bytes)
    );
    let memory = process.memory.map_or_else(|| "-".to_owned(), size);
    let facts = [
        ("pid", process.pid.clone()),
        ("kind", kind.to_owned()),
        ("entry", process.entry.clone()),
        ("host", process.host.clone()),
        ("state", process.state.clone()),
        ("up", time(process.uptime_ms)),
        ("memory", memory),
        ("turns", process.turns.to_string()),
        ("mailbox", unread),
        ("received", count(process.received, "message")),
        ("names", list(&process.names)),
        ("actor", process.actor.clone().unwrap_or_else(|| "-".to_owned())),
        ("parent", parent),
        ("children", list(&details.children)),
        ("links", list(&details.links)),
        ("traps links", if details.traps_links { "yes" } else { "no" }.to_owned()),
        ("monitors", list(&details.monitors)),
        ("monitored by", list(&details.monitored_by)),
    ];
    let lines = facts.into_iter().chain(details.service.as_ref().map(|service| ("service", kept(service))));
    let lines = lines.map(|(name, fact)| format!("{name:12}  {}", shown(&fact)));
    lines.collect::<Vec<_>>().join("\n")
}

/// By which service, and how that went.
fn kept(service: &ServiceInfo) -> String {
    let restarts = count(service.restarts.into(), "restart");
    format!("{}, {restarts}, {} in a row", service.id, count(service.failures.into(), "failure"))
}
