//! What is seen of a run on the terminal.

use super::place;
use super::run::{Finished, Outcome};
use super::select::Test;
use crate::bar::Bar;
use crate::control::text;
use crate::output;
use perilune::{Failure, Snapshot, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// Frames of a stack that are shown.
const MOST_FRAMES: usize = 16;

/// Prints tests as they end, each after those that began before it.
pub(crate) struct Printer {
    /// Nothing is printed in between where the results are JSON.
    is_quiet: bool,
    color: bool,
    width: usize,
    shows_suites: bool,
    suite: String,
    /// Position of the next line.
    next: usize,
    /// Lines that wait for one before them, with their suites.
    early: BTreeMap<usize, (String, String)>,
    bar: Option<Bar>,
}

impl Printer {
    pub(crate) fn new(tests: &[Test], is_quiet: bool) -> Self {
        let bar = if is_quiet { None } else { Bar::show(tests.len()) };
        Printer {
            is_quiet,
            color: output::stdout_color(),
            width: tests.iter().map(|test| test.id.chars().count()).max().unwrap_or(0),
            shows_suites: tests.iter().any(|test| test.suite != tests[0].suite),
            suite: String::new(),
            next: 0,
            early: BTreeMap::new(),
            bar,
        }
    }

    /// A test has ended.
    pub(crate) fn finished(&mut self, position: usize, one: &Finished) {
        if let Some(bar) = &self.bar {
            bar.step();
        }
        if self.is_quiet {
            return;
        }
        self.early.insert(position, (harmless(&one.test.suite), self.line(one)));
        while let Some((suite, line)) = self.early.remove(&self.next) {
            self.next += 1;
            self.show(suite, &line);
        }
    }

    fn show(&mut self, suite: String, line: &str) {
        if self.shows_suites && suite != self.suite {
            output::line(suite.as_bytes());
            self.suite = suite;
        }
        let indent = if self.shows_suites { "  " } else { "" };
        output::line(format!("{indent}{line}").as_bytes());
    }

    /// Prints the failures and the last line.
    pub(crate) fn finish(&mut self, finished: &[Finished], snapshot: &Snapshot, took: Duration) {
        // Where a run was ended, lines are left that waited for those that did not end.
        for (position, one) in finished.iter().enumerate() {
            if matches!(one.outcome, Outcome::Unfinished) && !self.is_quiet {
                self.early.insert(position, (harmless(&one.test.suite), self.line(one)));
            }
        }
        for (suite, line) in std::mem::take(&mut self.early).into_values() {
            self.show(suite, &line);
        }
        self.bar = None;
        if self.is_quiet {
            return;
        }
        for one in finished {
            if let Outcome::Failed(failure) = &one.outcome {
                output::line(self.failure(one, failure, snapshot).as_bytes());
            }
        }
        output::line(format!("\n{}", self.summary(finished, took)).as_bytes());
    }

    fn line(&self, one: &Finished) -> String {
        let (color, word) = match one.outcome {
            Outcome::Passed => (GREEN, "ok  "),
            Outcome::Failed(_) => (RED, "FAIL"),
            Outcome::Skipped(_) => (YELLOW, "skip"),
            Outcome::Unfinished => (YELLOW, "left"),
        };
        let after = match &one.outcome {
            Outcome::Skipped(reason) => harmless(reason),
            Outcome::Unfinished => "did not finish".to_owned(),
            _ => shown(one.took),
        };
        format!("{}  {:width$}  {after}", self.colored(color, word), one.test.id, width = self.width)
    }

    fn failure(&self, one: &Finished, failure: &Failure, snapshot: &Snapshot) -> String {
        let mut text = format!("\n{} {}\n", self.colored(RED, "FAIL"), one.test.id);
        for line in said(failure).lines() {
            text.push_str(&format!("  {}\n", harmless(line)));
        }
        if let Some(place) = place::of(failure, snapshot) {
            let number = place.line.to_string();
            let blank = " ".repeat(number.len());
            text.push_str(&format!("  {blank}--> {}:{number}\n", place.file));
            text.push_str(&format!(
                "  {blank} |\n  {number} | {}\n  {blank} |\n",
                harmless(place.text.trim_end())
            ));
        }
        let frames: Vec<_> = place::frames(failure).collect();
        section(&mut text, "stack", frames.iter().take(MOST_FRAMES));
        if frames.len() > MOST_FRAMES {
            text.push_str("    …\n");
        }
        section(&mut text, "output", one.output.iter());
        text.pop();
        text
    }

    fn summary(&self, finished: &[Finished], took: Duration) -> String {
        let count = |name: &str| finished.iter().filter(|one| one.outcome.name() == name).count();
        let counted = [("passed", GREEN), ("failed", RED), ("skipped", YELLOW), ("unfinished", RED)];
        let parts = counted.into_iter().filter(|(name, _)| *name == "passed" || count(name) > 0);
        let parts = parts.map(|(name, color)| {
            let text = format!("{} {name}", count(name));
            if count(name) > 0 { self.colored(color, &text) } else { text }
        });
        format!("{} in {}", parts.collect::<Vec<_>>().join(", "), shown(took))
    }

    fn colored(&self, color: &str, text: &str) -> String {
        if self.color { format!("{color}{text}{PLAIN}") } else { text.to_owned() }
    }
}

/// A failure's message with its kind.
pub(crate) fn said(failure: &Failure) -> String {
    match failure.kind.as_str() {
        "" => failure.message.clone(),
        kind => format!("{} [{kind}]", failure.message),
    }
}

fn section<T: AsRef<str>>(text: &mut String, name: &str, lines: impl Iterator<Item = T>) {
    for (at, line) in lines.enumerate() {
        if at == 0 {
            text.push_str(&format!("  {name}:\n"));
        }
        text.push_str(&format!("    {}\n", harmless(line.as_ref())));
    }
}

/// A text of an entry, which must not move a terminal's cursor; tabs may stay.
fn harmless(text: &str) -> String {
    text.split('\t').map(text::shown).collect::<Vec<_>>().join("\t")
}

/// A duration as people read it.
fn shown(took: Duration) -> String {
    match took.as_millis() {
        ..1000 => format!("{} ms", took.as_millis()),
        _ => format!("{:.2} s", took.as_secs_f64()),
    }
}

/// Prints the tests that are meant, without running them.
pub(crate) fn list(tests: &[Test], as_json: bool) {
    if as_json {
        let tests = tests.iter().map(|test| {
            Value::from_iter([
                ("id", Value::from(test.id.as_str())),
                ("suite", Value::from(test.suite.as_str())),
                ("skip", test.skip.as_deref().map_or(Value::Nil, Value::from)),
            ])
        });
        let text = json::encode(&Value::Array(tests.collect())).unwrap_or_default();
        return output::line(text.as_bytes());
    }
    let width = tests.iter().map(|test| test.id.chars().count()).max().unwrap_or(0);
    for test in tests {
        let skip =
            test.skip.as_ref().map(|reason| format!("  (skipped: {})", harmless(reason))).unwrap_or_default();
        output::line(format!("{:width$}  {}{skip}", test.id, harmless(&test.suite)).as_bytes());
    }
}
