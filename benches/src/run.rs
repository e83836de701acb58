//! Takes samples of all sides in turns, and keeps the results.

use crate::select::Selection;
use crate::{Key, Series};
use anyhow::{Context, ensure};
use std::time::{Duration, Instant};

/// Rounds that are always made, however slow the machine: quartiles of fewer say nothing.
const FEWEST_ROUNDS: usize = 5;

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For a look: all groups within three minutes on two slow cores.
    Quick,
    /// For a figure to be quoted.
    Full,
    /// As few rounds as will do: for tests of the harness.
    Least,
}

impl Effort {
    /// What one comparison may take beyond its fewest rounds.
    fn budget(self) -> Duration {
        match self {
            Effort::Quick => Duration::from_secs(3),
            Effort::Full => Duration::from_secs(15),
            Effort::Least => Duration::ZERO,
        }
    }

    /// One of two amounts.
    pub fn pick<T>(self, quick: T, full: T) -> T {
        if self == Effort::Full { full } else { quick }
    }
}

/// One side of a comparison.
pub struct Side<'a> {
    name: &'static str,
    burst: Box<dyn FnMut() -> anyhow::Result<Vec<f64>> + 'a>,
}

impl<'a> Side<'a> {
    /// `burst` takes the samples of one round.
    pub fn new(name: &'static str, burst: impl FnMut() -> anyhow::Result<Vec<f64>> + 'a) -> Self {
        Side { name, burst: Box::new(burst) }
    }
}

/// A key with its value.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// What was measured.
    pub key: Key,
    /// In the key's unit.
    pub value: f64,
    /// How far rounds or samples differ, as a part of the value, where it is known.
    pub spread: Option<f64>,
}

/// One run of the benchmarks.
pub struct Run {
    /// How long to measure.
    pub effort: Effort,
    selection: Selection,
    /// Keys of the group that is being measured.
    keys: &'static [Key],
    /// Results so far.
    pub figures: Vec<Figure>,
    /// Raw samples so far.
    pub series: Vec<Series>,
}

impl Run {
    /// Nothing is measured yet.
    pub fn new(effort: Effort, selection: Selection) -> Self {
        Run { effort, selection, keys: &[], figures: Vec::new(), series: Vec::new() }
    }

    /// Measures a group of which a key is asked for. Returns whether it was.
    ///
    /// # Errors
    ///
    /// When something that is measured fails, or leaves a key without a value.
    pub fn group(&mut self, group: &crate::Group) -> anyhow::Result<bool> {
        if !group.keys.iter().any(|key| self.selection.has(key)) {
            return Ok(false);
        }
        self.keys = group.keys;
        (group.measure)(self)?;
        for key in group.keys.iter().filter(|key| self.selection.has(key)) {
            let found = self.figures.iter().any(|figure| figure.key.name == key.name);
            ensure!(found, "`{}` was not measured", key.name);
        }
        Ok(true)
    }

    /// Whether a key of the group is asked for that begins so, which matters where keys cost time of their own.
    pub fn wants(&self, beginning: &str) -> bool {
        self.keys.iter().any(|key| key.name.starts_with(beginning) && self.selection.has(key))
    }

    /// Takes one burst of each side, again and again. The first round only warms up.
    ///
    /// # Errors
    ///
    /// When a burst fails.
    pub fn interleave<const N: usize>(
        &mut self,
        name: &str,
        mut sides: [Side<'_>; N],
    ) -> anyhow::Result<[Series; N]> {
        for side in &mut sides {
            (side.burst)().with_context(|| side.name)?;
        }
        let mut series =
            sides.each_ref().map(|side| Series { name: format!("{name}/{}", side.name), bursts: Vec::new() });
        let began = Instant::now();
        while series[0].bursts.len() < FEWEST_ROUNDS || began.elapsed() < self.effort.budget() {
            for (side, series) in sides.iter_mut().zip(&mut series) {
                series.bursts.push((side.burst)().with_context(|| side.name)?);
            }
        }
        self.series.extend(series.iter().cloned());
        Ok(series)
    }

    /// Records a key's value.
    ///
    /// # Errors
    ///
    /// When the group has no such key, or the value is no number.
    pub fn record(&mut self, name: &str, value: f64, spread: Option<f64>) -> anyhow::Result<()> {
        let key = self.keys.iter().find(|key| key.name == name);
        let key = *key.with_context(|| format!("no key `{name}` in the table of this group"))?;
        ensure!(value.is_finite(), "`{name}` is {value}");
        self.figures.push(Figure { key, value, spread });
        Ok(())
    }
}

/// Times each of a number of operations, in microseconds.
///
/// # Errors
///
/// When an operation fails.
pub fn each<T>(count: usize, mut operation: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<Vec<f64>> {
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        let result = operation()?;
        samples.push(micros(began.elapsed()));
        drop(result);
    }
    Ok(samples)
}

/// A duration as samples have it.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
