//! Which lines of the application's entries ran, as a table.

use super::select;
use crate::output;
use perilune::{Coverage, EntryId, Snapshot};

/// The lines of one entry.
pub(crate) struct Covered {
    pub(crate) id: String,
    /// Where its source stands, relative to the application; `None` where it is in no file line by line.
    pub(crate) file: Option<String>,
    /// Lines that can run, in the file where there is one, each with how many sandboxes it ran in.
    pub(crate) lines: Vec<(usize, u64)>,
}

impl Covered {
    /// How many ran.
    pub(crate) fn ran(&self) -> usize {
        self.lines.iter().filter(|(_, count)| *count > 0).count()
    }

    /// Lines that did not.
    pub(crate) fn missing(&self) -> impl Iterator<Item = usize> {
        self.lines.iter().filter(|(_, count)| *count == 0).map(|(line, _)| *line)
    }

    /// The same as ranges: lines that nothing which ran stands between.
    fn missing_ranges(&self) -> String {
        let runs = self.lines.chunk_by(|(_, a), (_, b)| (*a == 0) == (*b == 0));
        let ranges = runs.filter(|run| run[0].1 == 0).map(|run| match (run[0].0, run[run.len() - 1].0) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        });
        ranges.collect::<Vec<_>>().join(", ")
    }
}

/// What is known of all entries with Lua but the tests, by id. Entries that nothing ran are among them.
pub(crate) fn gather(coverage: &Coverage, snapshot: &Snapshot) -> Vec<Covered> {
    let known = coverage.lines().into_iter().filter_map(|(id, lines)| {
        // An entry may be gone by now: a test can change the registry.
        let entry = snapshot.get(&EntryId::parse(&id).ok()?)?;
        if select::is_test(entry) || lines.is_empty() {
            return None;
        }
        let (file, first) =
            entry.source_place("source").map_or((None, 1), |(file, first)| (Some(file), first));
        let lines = lines.into_iter().map(|(line, count)| (line as usize + first - 1, count)).collect();
        Some(Covered { id, file, lines })
    });
    known.collect()
}

/// How many percent of all lines ran; all of none.
pub(crate) fn percent(covered: &[Covered]) -> f64 {
    let (ran, lines) = totals(covered);
    if lines == 0 { 100.0 } else { ran as f64 * 100.0 / lines as f64 }
}

fn totals(covered: &[Covered]) -> (usize, usize) {
    let add = |(ran, lines), entry: &Covered| (ran + entry.ran(), lines + entry.lines.len());
    covered.iter().fold((0, 0), add)
}

/// Never rounded up to all.
pub(crate) fn shown(percent: f64) -> String {
    format!("{:.1} %", (percent * 10.0).floor() / 10.0)
}

/// Prints a line for each entry, and one for all.
pub(crate) fn print(covered: &[Covered]) {
    let file = |entry: &Covered| entry.file.clone().unwrap_or_default();
    let widest = |text: &dyn Fn(&Covered) -> String| {
        covered.iter().map(|entry| text(entry).chars().count()).max().unwrap_or(0)
    };
    let (ids, files) = (widest(&|entry| entry.id.clone()).max(3), widest(&file));
    let row = |id: &str, file: &str, ran: usize, lines: usize, percent: f64, missing: &str| {
        let missing = if missing.is_empty() { String::new() } else { format!("  missing {missing}") };
        let counts = format!("{ran}/{lines}");
        let text = format!("  {id:ids$}  {file:files$}  {:>7}  {counts:>9}{missing}", shown(percent));
        output::line(text.as_bytes());
    };
    output::line(b"\nlines that ran");
    for entry in covered {
        let percent = percent(std::slice::from_ref(entry));
        row(&entry.id, &file(entry), entry.ran(), entry.lines.len(), percent, &entry.missing_ranges());
    }
    let (ran, lines) = totals(covered);
    row("all", "", ran, lines, percent(covered), "");
}
