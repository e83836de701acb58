//! Names that mean two things to one entry and what it imports.

use super::closure::imports;
use super::graph::Graph;
use super::references::field;
use crate::code::Code;
use crate::entry::Entry;
use crate::lua::Import;
use crate::origin::Half;
use crate::path::FieldPath;
use crate::problem::{Problem, quote};
use crate::report::Report;
use perilune_value::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Most entries in one closure; each is loaded before the first call.
const MAX_CLOSURE: usize = 1_000;

/// Aliases and modules in one closure, repetitions counted; with the entries of a registry it bounds what following them takes.
const MAX_NAMES: usize = 4 * MAX_CLOSURE;

/// Where a name gets a meaning.
struct Binding {
    entry: usize,
    import: Import,
    field: FieldPath,
}

pub(super) fn check(graph: &Graph<'_>, report: &mut Report) {
    let bindings: Vec<Vec<(&str, Import, FieldPath)>> =
        graph.entries.iter().map(|entry| bindings(entry).collect()).collect();
    let before = report.len();
    graph.largest_closures(MAX_CLOSURE, |root, closure| {
        let names: usize = closure.iter().map(|number| bindings[*number].len()).sum();
        let too_large = |most: usize, what: &str| {
            let message = format!("it brings in more than {most} {what}, directly and through others");
            Problem::in_field(graph.entries[root], "imports", Code::CLOSURE_TOO_LARGE, message)
        };
        if closure.len() > MAX_CLOSURE {
            report.push(too_large(MAX_CLOSURE, "entries"));
        } else if names > MAX_NAMES {
            report.push(too_large(MAX_NAMES, "names"));
        }
    });
    if report.len() > before {
        // The walk below takes as long as closures are large.
        return;
    }
    let mut by_name: BTreeMap<&str, Vec<Binding>> = BTreeMap::new();
    for (entry, bindings) in bindings.into_iter().enumerate() {
        for (name, import, field) in bindings {
            by_name.entry(name).or_default().push(Binding { entry, import, field });
        }
    }
    let mut walk = Walk::new(graph);
    for (name, bindings) in by_name {
        if bindings.iter().any(|binding| binding.import != bindings[0].import) {
            walk.follow(name, &bindings, report);
        }
    }
}

/// Every name that an entry gives a meaning, with the meaning and where it does.
fn bindings(entry: &Entry) -> impl Iterator<Item = (&str, Import, FieldPath)> {
    let modules = match entry.data.get("modules") {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    let modules = modules.iter().enumerate().filter_map(|(index, item)| {
        let name = item.as_str().filter(|name| !name.is_empty())?;
        Some((name, Import::Module(name.to_owned()), FieldPath::from("modules").item(index)))
    });
    modules.chain(imports(entry).map(|(alias, import)| (alias, import, field(alias))))
}

/// Carries the meanings of one name from where it gets them to all that import it, dependencies first.
struct Walk<'a> {
    graph: &'a Graph<'a>,
    importers: Vec<Vec<usize>>,
    /// The place of each entry in the order.
    rank: Vec<usize>,
    /// The binding that an entry sees, of the name at hand.
    seen: Vec<Option<usize>>,
    /// Whether an entry waits for its turn, with the name at hand.
    queued: Vec<bool>,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph<'a>) -> Self {
        let mut importers = vec![Vec::new(); graph.entries.len()];
        for (entry, targets) in graph.edges.iter().enumerate() {
            targets.iter().for_each(|target| importers[*target].push(entry));
        }
        let mut rank = vec![0; graph.entries.len()];
        graph.order.iter().enumerate().for_each(|(place, entry)| rank[*entry] = place);
        let (seen, queued) = (vec![None; rank.len()], vec![false; rank.len()]);
        Walk { graph, importers, rank, seen, queued }
    }

    fn follow(&mut self, name: &str, bindings: &[Binding], report: &mut Report) {
        // An entry that meets two meanings is told once, and hands on the first: those above would be told the same.
        let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut own: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, binding) in bindings.iter().enumerate() {
            own.entry(binding.entry).or_default().push(number);
        }
        let mut waiting = BinaryHeap::new();
        own.keys().for_each(|entry| self.queue(*entry, &mut waiting));
        let mut reached = Vec::new();
        while let Some(Reverse(rank)) = waiting.pop() {
            let entry = self.graph.order[rank];
            reached.push(entry);
            let inherited = self.graph.edges[entry].iter().filter_map(|target| self.seen[*target]);
            let mut meets = own.get(&entry).into_iter().flatten().copied().chain(inherited);
            let Some(first) = meets.next() else { continue };
            for other in meets {
                if bindings[other].import != bindings[first].import && told.insert((first, other)) {
                    report.push(self.collision(entry, name, &bindings[first], &bindings[other]));
                }
            }
            self.seen[entry] = Some(first);
            for importer in 0..self.importers[entry].len() {
                let importer = self.importers[entry][importer];
                // In a cycle, which is a problem of its own, the way ends where it began.
                if self.rank[importer] > rank {
                    self.queue(importer, &mut waiting);
                }
            }
        }
        for entry in reached {
            self.seen[entry] = None;
            self.queued[entry] = false;
        }
    }

    fn queue(&mut self, entry: usize, waiting: &mut BinaryHeap<Reverse<usize>>) {
        if !std::mem::replace(&mut self.queued[entry], true) {
            waiting.push(Reverse(self.rank[entry]));
        }
    }

    fn collision(&self, meeting: usize, name: &str, first: &Binding, second: &Binding) -> Problem {
        let what = |import: &Import| match import {
            Import::Entry(id) => format!("the entry `{id}`"),
            Import::Module(module) => format!("the module `{module}`"),
        };
        let (here, there) = (what(&second.import), what(&first.import));
        let (entry, other) = (self.graph.entries[second.entry], self.graph.entries[first.entry]);
        let message = format!("{} means {here} here and {there} in `{}`", quote(name), other.id);
        let problem = Problem::in_field(entry, second.field.clone(), Code::NAME_COLLISION, message)
            .label(here)
            .related(other.origin.place(&other.id, &first.field, Half::Value), there)
            .help("give one of the two another alias");
        if meeting == first.entry || meeting == second.entry {
            return problem;
        }
        problem.help(format!("both are loaded for `{}`", self.graph.entries[meeting].id))
    }
}
