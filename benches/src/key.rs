//! A figure, what it means, and what it must reach.

use crate::Run;
use std::fmt;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Ours over the other side's.
    Ratio,
    /// Calls in a second.
    PerSecond,
    /// KiB of memory.
    KiB,
    /// MiB of memory.
    MiB,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Unit::Micros => "µs",
            Unit::Millis => "ms",
            Unit::Ratio => "×",
            Unit::PerSecond => "/s",
            Unit::KiB => "KiB",
            Unit::MiB => "MiB",
        })
    }
}

/// One figure of the report. Table, files and documentation all come from here.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As in `report.json`.
    pub name: &'static str,
    /// What the figure counts.
    pub unit: Unit,
    /// What is measured.
    pub meaning: &'static str,
    /// What is good enough; `None` for figures that only inform.
    pub reach: Option<Reach>,
}

/// What a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// This much and no more.
    AtMost(f64),
    /// This much or more.
    AtLeast(f64),
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reach::AtMost(reach) => write!(f, "≤ {reach}"),
            Reach::AtLeast(reach) => write!(f, "≥ {reach}"),
        }
    }
}

impl Key {
    /// A figure that informs.
    pub const fn new(name: &'static str, unit: Unit, meaning: &'static str) -> Self {
        Key { name, unit, meaning, reach: None }
    }

    /// A figure that may be this much at most.
    pub const fn at_most(self, reach: f64) -> Self {
        Key { reach: Some(Reach::AtMost(reach)), ..self }
    }

    /// A figure that must be this much at least.
    pub const fn at_least(self, reach: f64) -> Self {
        Key { reach: Some(Reach::AtLeast(reach)), ..self }
    }

    /// Whether a value is good enough; `None` where nothing is asked.
    pub fn reached(&self, value: f64) -> Option<bool> {
        self.reach.map(|reach| match reach {
            Reach::AtMost(reach) => value <= reach,
            Reach::AtLeast(reach) => value >= reach,
        })
    }
}

/// Keys that are measured together.
#[derive(Clone, Copy)]
pub struct Group {
    /// In the order of the table.
    pub keys: &'static [Key],
    /// Records every key that [`Run::wants`].
    pub measure: fn(&mut Run) -> anyhow::Result<()>,
}

/// All keys as a table in Markdown: what `docs/benchmarks.md` shows.
pub fn markdown(groups: &[Group]) -> String {
    let mut text = String::from("| key | meaning | reach |\n|---|---|---|\n");
    for key in groups.iter().flat_map(|group| group.keys) {
        let reach = key.reach.map_or("–".to_owned(), |reach| reach.to_string());
        text.push_str(&format!("| `{}` | {} | {reach} |\n", key.name, key.meaning));
    }
    text
}
