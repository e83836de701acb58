//! A list of all that runs, as text.

use super::table::Table;
use super::text::{count, list, shown, size, time};
use super::tree::Tree;
use perilune::{HostInfo, Letters, Overview, ProcessInfo, ServiceInfo};
use perilune_control::Listing;

/// Dead letters that are shown; the others are in the JSON.
const LETTERS: usize = 5;

/// The tree, and what is left of messages.
pub(super) fn render(listing: &Listing, color: bool) -> String {
    let (application, overview) = (&listing.application, &listing.overview);
    let what = application.command.as_deref().map_or_else(|| "services".to_owned(), shown);
    let number = application.system_pid;
    let first = format!(
        "{}: {what}, system process {number}, up {}",
        shown(&application.directory),
        time(application.uptime_ms)
    );
    let mut parts = vec![first, tree(overview, color)];
    if overview.dead_letters.total > 0 {
        parts.push(letters(&overview.dead_letters, color));
    }
    parts.join("\n\n")
}

fn tree(overview: &Overview, color: bool) -> String {
    let mut table = Table::new(["PID", "ENTRY", "STATE", "UP", "MEMORY", "MAILBOX", "NAMES AND MORE"]);
    let tree = Tree::new(overview);
    let host_of = |id: &str| overview.hosts.iter().find(|host| host.id == id);
    for service in &overview.services {
        table.add(service_line(service, host_of(&service.id)));
        add_below(&mut table, &tree, &service.id);
    }
    let is_service = |id: &str| overview.services.iter().any(|service| service.id == id);
    for host in overview.hosts.iter().filter(|host| !is_service(&host.id)) {
        table.add(line([&host.id, &host.kind, "running", "-", &size(host.memory), "-", &places(host)]));
        add_below(&mut table, &tree, &host.id);
    }
    for name in tree.others(overview) {
        table.add(line([name, "calls and clients", "-", "-", "-", "-", "-"]));
        add_below(&mut table, &tree, name);
    }
    table.render(color)
}

fn line(cells: [&str; 7]) -> [String; 7] {
    cells.map(shown)
}

fn add_below(table: &mut Table<7>, tree: &Tree<'_>, root: &str) {
    for (lead, process) in tree.below(root) {
        let mut cells = process_line(process);
        cells[0].insert_str(0, &lead);
        table.add(cells);
    }
}

fn process_line(process: &ProcessInfo) -> [String; 7] {
    let up = time(process.uptime_ms);
    let memory = process.memory.map_or_else(|| "-".to_owned(), size);
    let messages = process.mailbox.messages.to_string();
    line([&process.pid, &process.entry, &process.state, &up, &memory, &messages, &list(&process.names)])
}

fn service_line(service: &ServiceInfo, host: Option<&HostInfo>) -> [String; 7] {
    let up = service.uptime_ms.map_or_else(|| "-".to_owned(), time);
    let memory = host.map_or_else(|| "-".to_owned(), |host| size(host.memory));
    let failures = (service.failures > 0).then(|| count(service.failures.into(), "failure"));
    let restarts = (service.restarts > 0).then(|| count(service.restarts.into(), "restart"));
    let next = service.next_ms.map(|next| format!("starts again in {}", time(next)));
    let notes = [host.map(places), restarts, failures, next, service.details.clone()];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    let notes = if notes.is_empty() { "-".to_owned() } else { notes.join("; ") };
    line([&service.id, &service.kind, &service.state, &up, &memory, "-", &notes])
}

fn places(host: &HostInfo) -> String {
    let memory = host.max_memory.map_or_else(String::new, |most| format!(", up to {}", size(most)));
    format!("{} of {} processes{memory}", host.processes, host.max_processes)
}

fn letters(letters: &Letters, color: bool) -> String {
    let last = &letters.last[letters.last.len().saturating_sub(LETTERS)..];
    let mut table = Table::new(["AGE", "FROM", "TO", "TOPIC", "SIZE"]);
    for letter in last {
        let from = if letter.from.is_empty() { "the host" } else { &letter.from };
        let cells = [&time(letter.age_ms), from, &letter.to, &letter.topic, &size(letter.bytes)];
        table.add(cells.map(shown));
    }
    let total = count(letters.total, "dead letter");
    let which = if letters.total > last.len() as u64 { "; the last ones:" } else { ":" };
    format!("{total}{which}\n{}", table.render(color))
}
