//! The table and the files.

use crate::run::Figure;
use crate::{Run, Series};
use anyhow::Context;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Digits that a measurement deserves.
const DIGITS: i32 = 4;

/// Every figure with what it must reach, then every series.
pub fn table(run: &Run) -> String {
    let mut text = format!("{:<36} {:>12}     {:>7}  reach\n", "key", "value", "spread");
    for Figure { key, value, spread } in &run.figures {
        let spread = spread.map_or("–".to_owned(), percent);
        let reach = match (key.reach, key.reached(*value)) {
            (Some(reach), Some(true)) => format!("{reach}  reached"),
            (Some(reach), _) => format!("{reach}  MISSED"),
            (None, _) => "–".to_owned(),
        };
        line(
            &mut text,
            format_args!("{:<36} {:>12} {:<3} {spread:>7}  {reach}", key.name, short(*value), key.unit),
        );
    }
    line(
        &mut text,
        format_args!(
            "\n{:<36} {:>8} {:>11} {:>11} {:>7}",
            "samples (µs unless named)", "count", "p50", "p99", "spread"
        ),
    );
    for series in &run.series {
        let (p50, p99) = (short(series.p50()), short(series.p99()));
        let (count, spread) = (series.all().len(), percent(series.spread()));
        line(&mut text, format_args!("{:<36} {count:>8} {p50:>11} {p99:>11} {spread:>7}", series.name));
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("invariant: writing to a string does not fail");
}

fn percent(part: f64) -> String {
    format!("±{:.1}%", part * 100.0)
}

fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 1000.0 => format!("{value:.0}"),
        middle if middle >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn rounded(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powi(DIGITS - 1 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

/// `report.json`: one number per key.
pub fn report(run: &Run) -> Value {
    let figure = |figure: &Figure| (figure.key.name.to_owned(), Value::from(rounded(figure.value)));
    Value::Object(run.figures.iter().map(figure).collect::<Map<_, _>>())
}

/// `samples.json`: per series the bursts of all rounds.
pub fn samples(run: &Run) -> Value {
    let bursts = |series: &Series| -> Value {
        series.bursts.iter().map(|burst| burst.iter().copied().map(rounded).collect::<Vec<_>>()).collect()
    };
    Value::Object(run.series.iter().map(|series| (series.name.clone(), bursts(series))).collect())
}

/// Writes all files into a folder, which is made.
///
/// # Errors
///
/// When the folder cannot be written.
pub fn write(run: &Run, machine: &Value, folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{shown}`"))?;
    let files = [
        ("report.json", format!("{:#}", report(run))),
        ("samples.json", samples(run).to_string()),
        ("machine.json", format!("{:#}", json!(machine))),
    ];
    for (name, contents) in files {
        fs::write(folder.join(name), contents + "\n")
            .with_context(|| format!("cannot write `{shown}/{name}`"))?;
    }
    Ok(())
}
