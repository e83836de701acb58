//! One total for the many summaries of `cargo test`, which prints one per test binary.

use std::fmt;

/// What property tests and models say of the input they failed on. The output of tests that pass is not shown.
const DRAWN: [&str; 3] = ["minimal failing input", "seed", "SEED"];

/// How many tests passed, failed and were skipped so far, and which failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests marked `#[ignore]`.
    pub skipped: u64,
    /// The names of those that failed, as their programs know them.
    pub failures: Vec<String>,
    /// Test programs that began and have not told how they ended.
    pub unfinished: u64,
    /// Whether a test failed on input that it had drawn, and tells which.
    pub drawn: bool,
}

impl Tally {
    /// Adds a line of output if it tells of a test or of a program of tests; any other line changes nothing.
    pub fn read(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.read_summary(counts);
        } else if let Some(told) = line.strip_prefix("test ") {
            self.failures.extend(told.strip_suffix(" ... FAILED").map(str::to_owned));
        } else if is_beginning(line) {
            self.unfinished += 1;
        } else if DRAWN.iter().any(|word| line.contains(word)) {
            self.drawn = true;
        }
    }

    fn read_summary(&mut self, summary: &str) {
        let Some((_, counts)) = summary.split_once(". ") else { return };
        self.unfinished = self.unfinished.saturating_sub(1);
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// `running 12 tests`
fn is_beginning(line: &str) -> bool {
    let count = line
        .strip_prefix("running ")
        .and_then(|rest| rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test")));
    count.is_some_and(|count| count.parse::<u64>().is_ok())
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}
