//! Entries that want the same, found when they are loaded or changed: a server that is started later is not the place to learn it.
//!
//! What a placeholder stands for is known when a server starts; [`Table`](crate::table::Table) refuses what is left then.

use crate::pattern::Pattern;
use crate::router::{parent, text};
use crate::table::Routes;
use matchit::InsertError;
use perilune_registry::{Code, Entry, EntryId, Everything, Problem, Together, quote};
use std::collections::HashMap;

pub(crate) const TOGETHER: &Together =
    &Together { kinds: &["http.router", "http.static", "http.endpoint"], check };

fn check(all: &Everything<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut claims = Claims::default();
    for (kind, field) in [("http.router", "prefix"), ("http.static", "path")] {
        for entry in all.of_kind(kind) {
            problems.extend(claims.mount(entry, field));
        }
    }
    for entry in all.of_kind("http.endpoint") {
        problems.extend(claims.route(entry));
    }
    problems
}

/// What was claimed so far, and by whom. Of two that claim the same the second is told.
#[derive(Default)]
struct Claims<'a> {
    /// Routers with their servers and prefixes.
    routers: HashMap<EntryId, (EntryId, String)>,
    /// Routers and static directories: server, kind and prefix.
    mounts: HashMap<(EntryId, &'a str, String), &'a Entry>,
    /// Server and method.
    routes: HashMap<(EntryId, &'a str), Routes<&'a Entry>>,
}

impl<'a> Claims<'a> {
    fn mount(&mut self, entry: &'a Entry, field: &'static str) -> Option<Problem> {
        let server = belongs_to(entry, "server")?;
        let prefix = read(entry, field, Pattern::prefix)?;
        if entry.kind() == "http.router" {
            self.routers.insert(entry.id().clone(), (server.clone(), prefix.clone()));
        }
        let shown = if prefix.is_empty() { "/".to_owned() } else { prefix.clone() };
        let claim = (server, entry.kind(), prefix);
        if let Some(first) = self.mounts.get(&claim) {
            let message = format!("`{}` of the same server has {} already", first.id(), quote(&shown));
            let problem = twice(entry, first, field, message);
            return Some(problem.help("give one of the two another path, or make one of both"));
        }
        self.mounts.insert(claim, entry);
        None
    }

    fn route(&mut self, entry: &'a Entry) -> Option<Problem> {
        let (server, prefix) = self.routers.get(&belongs_to(entry, "router")?)?.clone();
        let path = read(entry, "path", Pattern::parse)?;
        let method = text(entry.data(), "method").filter(|method| !method.contains("${"))?;
        match self.routes.entry((server, method)).or_default().insert(&path, &prefix, entry) {
            Ok(()) => None,
            Err((InsertError::Conflict { .. }, Some(first))) => {
                let shown = quote(&format!("{prefix}{path}"));
                let message = format!("`{}` answers {method} {shown} already", first.id());
                let problem = twice(entry, first, "path", message);
                Some(problem.help("give one of the two another path or method, or remove it"))
            }
            Err((error, _)) => Some(Problem::in_field(entry, "path", Code::BAD_VALUE, error.to_string())),
        }
    }
}

/// The entry that one belongs to, where that can be read.
fn belongs_to(entry: &Entry, field: &str) -> Option<EntryId> {
    EntryId::relative(&parent(entry, entry.data(), field)?, entry.id().namespace()).ok()
}

/// A path, where it is one: others are refused with their field.
fn read<T>(entry: &Entry, field: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
    let path = text(entry.data(), field).unwrap_or("/");
    if path.contains("${") { None } else { read(path).ok() }
}

fn twice(entry: &Entry, first: &Entry, field: &'static str, message: String) -> Problem {
    Problem::in_field(entry, field, Code::CONFLICT, message).label("again here").related_field(
        first,
        field,
        "first here",
    )
}
