//! Who is shown below whom: a process below the one that started it, if that still runs; else below its service or host.

use perilune::{Overview, ProcessInfo};
use std::collections::{HashMap, HashSet};

/// Levels that are drawn; what is deeper is drawn on the last one.
const DEEPEST: usize = 24;

/// Processes by what they are shown below: a pid, or the id of a service or host.
pub(super) struct Tree<'a>(HashMap<&'a str, Vec<&'a ProcessInfo>>);

impl<'a> Tree<'a> {
    pub(super) fn new(overview: &'a Overview) -> Self {
        let alive: HashSet<&str> = overview.processes.iter().map(|process| &*process.pid).collect();
        // A service that is a process tells its pid as the place where it can be reached.
        let services: HashMap<&str, &str> = overview
            .services
            .iter()
            .filter_map(|service| Some((service.details.as_deref()?, &*service.id)))
            .collect();
        let mut below: HashMap<&str, Vec<&ProcessInfo>> = HashMap::new();
        for process in &overview.processes {
            let parent = process.parent.as_deref().filter(|parent| alive.contains(parent));
            let service = || services.get(&*process.pid).copied();
            below.entry(parent.or_else(service).unwrap_or(&process.host)).or_default().push(process);
        }
        Tree(below)
    }

    /// What is below something, and below that, each with the lines that lead to it.
    pub(super) fn below(&self, root: &str) -> Vec<(String, &'a ProcessInfo)> {
        let mut found = Vec::new();
        // Its own stack: processes may have started each other deeper than this program's reaches.
        let mut open = vec![(String::new(), 0, self.children(root).iter())];
        while let Some((lead, level, rest)) = open.last_mut() {
            let Some(process) = rest.next() else {
                open.pop();
                continue;
            };
            let (branch, trunk) = if rest.len() == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            found.push((format!("{lead}{branch}"), *process));
            let deeper = if *level < DEEPEST { format!("{lead}{trunk}") } else { lead.clone() };
            let level = *level + 1;
            open.push((deeper, level, self.children(&process.pid).iter()));
        }
        found
    }

    /// What is below neither a service nor a process host, such as calls, by the name of what runs it.
    pub(super) fn others(&self, overview: &'a Overview) -> Vec<&'a str> {
        let services = overview.services.iter().map(|service| &*service.id);
        let hosts = overview.hosts.iter().map(|host| &*host.id);
        let known: HashSet<&str> = services.chain(hosts).collect();
        let mut seen = HashSet::new();
        let names = overview.processes.iter().map(|process| &*process.host);
        names
            .filter(|name| !known.contains(name) && self.0.contains_key(name) && seen.insert(*name))
            .collect()
    }

    fn children(&self, of: &str) -> &[&'a ProcessInfo] {
        self.0.get(of).map_or(&[], Vec::as_slice)
    }
}
