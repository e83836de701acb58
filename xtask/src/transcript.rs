//! Markdown files whose `console` blocks can be run and compared with what they really print.
//!
//! ````text
//! Any prose.
//!
//! ```console
//! $ perilune call app:greet '"Ada"'
//! "Hello, Ada!"
//! $ perilune call app:endless
//! ? 1
//! error: [..] reached its limit
//! ```
//! ````
//!
//! A line that begins with `$ ` is a command, and it runs in the file's folder. `? N` right after it is its exit code, 0 when
//! absent. What follows is all that it prints, standard output and errors in the order of their coming. `[..]` in a line stands for any
//! text, a line `...` for any number of lines. The only program is `perilune`: steps for a reader's shell go into
//! blocks of another language, say `sh`.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// A file, line by line: what was read can be written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// Prose and steps in the order of the file.
    pub parts: Vec<Part>,
}

/// A piece of a [`Transcript`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// One line outside of the steps, fences included.
    Text(String),
    /// A command and what it printed.
    Step(Step),
}

/// A command with its recorded result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line in the file, from 1.
    pub line: usize,
    /// The command as it stands there, without `$ `.
    pub command: String,
    /// The arguments after the program's name.
    pub args: Vec<String>,
    /// What it is to print, and its exit code.
    pub expected: Outcome,
}

/// How a command ended. Displays as it stands in a transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The exit code; -1 when a signal ended it.
    pub status: i32,
    /// Standard output and errors, line by line, without empty lines at the end.
    pub lines: Vec<String>,
}

impl Transcript {
    /// Reads and parses a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or as [`Transcript::parse`] does; both name the file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`"))?;
        Self::parse(&text).with_context(|| format!("`{shown}`"))
    }

    /// Splits Markdown into prose and steps.
    ///
    /// # Errors
    ///
    /// Names the line of a block that is not closed, of output without a command, and of a command that cannot be run.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut parts = Vec::new();
        let mut fence: Option<Fence> = None;
        for (line, text) in (1..).zip(text.lines()) {
            let is_fence = text.starts_with("```");
            match &mut fence {
                Some(open) if is_fence => {
                    parts.extend(open.step.take().into_iter().flat_map(Step::into_parts));
                    fence = None;
                    parts.push(Part::Text(text.to_owned()));
                }
                Some(open) if open.console => {
                    if let Some(command) = text.strip_prefix("$ ") {
                        let next = Step::parse(line, command).with_context(|| format!("line {line}"))?;
                        parts.extend(open.step.replace(next).into_iter().flat_map(Step::into_parts));
                    } else {
                        let Some(step) = &mut open.step else {
                            bail!("line {line}: a console block begins with a command, `$ perilune …`");
                        };
                        step.expected.read(text);
                    }
                }
                Some(_) => parts.push(Part::Text(text.to_owned())),
                None => {
                    if is_fence {
                        let console = text.trim_start_matches('`').trim() == "console";
                        fence = Some(Fence { line, console, step: None });
                    }
                    parts.push(Part::Text(text.to_owned()));
                }
            }
        }
        if let Some(open) = fence {
            bail!("line {}: this block is never closed; close it with a line of three backquotes", open.line);
        }
        Ok(Self { parts })
    }

    /// Runs all steps in a folder and describes each that does not do what is recorded: the list is empty when all do.
    ///
    /// # Errors
    ///
    /// When the program cannot be run.
    pub fn check(&self, program: &Path, dir: &Path) -> anyhow::Result<Vec<String>> {
        let mut differences = Vec::new();
        for part in &self.parts {
            let Part::Step(step) = part else { continue };
            let outcome = step.run(program, dir)?;
            if !step.matches(&outcome) {
                let Step { line, command, expected, .. } = step;
                differences.push(format!(
                    "line {line}: $ {command}\n--- recorded\n{expected}--- printed\n{outcome}"
                ));
            }
        }
        Ok(differences)
    }
}

/// A block that is being read.
struct Fence {
    line: usize,
    console: bool,
    step: Option<Step>,
}

impl Step {
    fn parse(line: usize, command: &str) -> anyhow::Result<Self> {
        let words = shell_words::split(command).with_context(|| format!("`{command}` cannot be read"))?;
        let Some(("perilune", args)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) else {
            bail!(
                "`{command}` is no `perilune …`; put steps for other programs into a block of language `sh`"
            );
        };
        Ok(Self { line, command: command.to_owned(), args: args.to_vec(), expected: Outcome::default() })
    }

    /// The step, and the empty lines after it, which belong to the file's layout and not to the output.
    fn into_parts(mut self) -> impl Iterator<Item = Part> {
        let empty = self.expected.trim();
        std::iter::once(Part::Step(self)).chain((0..empty).map(|_| Part::Text(String::new())))
    }

    /// Runs the command in a folder, without input, colours, or the caller's log settings.
    ///
    /// # Errors
    ///
    /// When the program cannot be run.
    pub fn run(&self, program: &Path, dir: &Path) -> anyhow::Result<Outcome> {
        let failed = || format!("cannot run `{}`", program.display());
        let mut command = Command::new(program);
        command.args(&self.args).current_dir(dir).stdin(Stdio::null());
        command.env("NO_COLOR", "1").env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
        // One pipe for both, so that their lines keep their order.
        let (mut reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn().with_context(failed)?;
        drop(command); // it holds the pipe's writing end, without which reading ends
        let mut printed = Vec::new();
        reader.read_to_end(&mut printed).with_context(failed)?;
        let status = child.wait().with_context(failed)?.code().unwrap_or(-1);
        let mut outcome = Outcome { status, lines: Vec::new() };
        outcome
            .lines
            .extend(String::from_utf8_lossy(&printed).lines().map(|line| line.trim_end().to_owned()));
        outcome.trim();
        Ok(outcome)
    }

    /// Whether the command did what is recorded.
    #[must_use]
    pub fn matches(&self, outcome: &Outcome) -> bool {
        self.expected.status == outcome.status && lines_match(&self.expected.lines, &outcome.lines)
    }

    /// Makes an outcome the recorded one.
    pub fn record(&mut self, outcome: Outcome) {
        self.expected = outcome;
    }
}

impl Outcome {
    fn read(&mut self, text: &str) {
        match text.strip_prefix("? ").map(|status| status.trim().parse()) {
            Some(Ok(status)) if self.lines.is_empty() => self.status = status,
            _ => self.lines.push(text.trim_end().to_owned()),
        }
    }

    /// Drops empty lines at the end and says how many there were.
    fn trim(&mut self) -> usize {
        let kept = self.lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let dropped = self.lines.len() - kept;
        self.lines.truncate(kept);
        dropped
    }
}

fn lines_match(pattern: &[String], lines: &[String]) -> bool {
    match pattern.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=lines.len()).any(|skipped| lines_match(rest, &lines[skipped..]))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, others)| line_matches(first, line) && lines_match(rest, others)),
    }
}

fn line_matches(pattern: &str, line: &str) -> bool {
    match pattern.split_once("[..]") {
        None => pattern == line,
        Some((start, rest)) => line.strip_prefix(start).is_some_and(|line| {
            line.char_indices()
                .map(|(at, _)| at)
                .chain([line.len()])
                .any(|at| line_matches(rest, &line[at..]))
        }),
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => writeln!(f, "{text}"),
            Part::Step(step) => write!(f, "$ {}\n{}", step.command, step.expected),
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status != 0 {
            writeln!(f, "? {}", self.status)?;
        }
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
