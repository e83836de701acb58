//! Imports as a graph of numbers: what has to look at every closure must not compare ids.

use super::closure::targets;
use crate::EntryId;
use crate::entry::Entry;
use crate::state::Entries;
use std::collections::HashMap;
use std::sync::Arc;

/// All entries and which imports which.
pub(super) struct Graph<'a> {
    /// The entries by number, which is their order by id.
    pub(super) entries: Vec<&'a Arc<Entry>>,
    /// The numbers of what each imports; targets that do not exist are left out.
    pub(super) edges: Vec<Vec<usize>>,
    /// All numbers, dependencies first.
    pub(super) order: Vec<usize>,
    /// Import cycles, each a path whose last entry imports its first.
    pub(super) cycles: Vec<Vec<usize>>,
}

/// How far the walk is with an entry.
#[derive(Clone, Copy, PartialEq)]
enum Visit {
    Waiting,
    OnTheWay,
    Done,
}

/// Cycles that are kept: each may be as long as a registry, and every edge may close one.
const MAX_CYCLES: usize = 100;

impl<'a> Graph<'a> {
    pub(super) fn new(entries: &'a Entries) -> Self {
        let numbers: HashMap<&EntryId, usize> = entries.keys().zip(0..).collect();
        let number = |id: EntryId| numbers.get(&id).copied();
        let edges = entries.values().map(|entry| targets(entry).filter_map(number).collect()).collect();
        let mut graph =
            Graph { entries: entries.values().collect(), edges, order: Vec::new(), cycles: Vec::new() };
        graph.walk();
        graph
    }

    /// Finds order and cycles, depth first; a chain may be too long for recursion.
    fn walk(&mut self) {
        let mut visits = vec![Visit::Waiting; self.entries.len()];
        for start in 0..self.entries.len() {
            if visits[start] != Visit::Waiting {
                continue;
            }
            visits[start] = Visit::OnTheWay;
            // Each entry on the way down, and how many of its edges were followed.
            let mut way = vec![(start, 0)];
            while let Some((at, followed)) = way.last_mut() {
                let Some(&next) = self.edges[*at].get(*followed) else {
                    visits[*at] = Visit::Done;
                    self.order.push(*at);
                    way.pop();
                    continue;
                };
                *followed += 1;
                match visits[next] {
                    Visit::Done => {}
                    Visit::OnTheWay if self.cycles.len() < MAX_CYCLES => {
                        self.cycles.extend(cycle(&way, next))
                    }
                    Visit::OnTheWay => {}
                    Visit::Waiting => {
                        visits[next] = Visit::OnTheWay;
                        way.push((next, 0));
                    }
                }
            }
        }
    }

    /// Calls `found` with the entries of closures that together hold every entry and every other closure. `found` gets the entry that
    /// the closure belongs to, and the closure as far as `most` entries and one more.
    pub(super) fn largest_closures(&self, most: usize, mut found: impl FnMut(usize, &[usize])) {
        let mut covered = vec![false; self.entries.len()];
        // Marks of one walk are told from those of the walks before by their number.
        let mut marks = vec![usize::MAX; self.entries.len()];
        // Dependents come late in the order, and most entries are covered by the time it is their turn.
        for &root in self.order.iter().rev() {
            if covered[root] {
                continue;
            }
            marks[root] = root;
            let mut closure = vec![root];
            let mut next = 0;
            while next < closure.len() && closure.len() <= most {
                for &target in &self.edges[closure[next]] {
                    if marks[target] != root {
                        marks[target] = root;
                        covered[target] = true;
                        closure.push(target);
                    }
                }
                next += 1;
            }
            found(root, &closure);
        }
    }
}

/// The part of the way that begins at the entry it has come back to.
fn cycle(way: &[(usize, usize)], back_to: usize) -> Option<Vec<usize>> {
    let begin = way.iter().position(|(number, _)| *number == back_to)?;
    Some(way[begin..].iter().map(|(number, _)| *number).collect())
}
