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
//! text, a line `...` for any number of lines.
//!
//! The programs are `perilune`; `perilune … &`, which stays in the background once it has printed what is recorded; `kill %1`, which
//! asks it to end; and `curl`. Other steps for a reader's shell go into blocks of another language, say `sh`. Who runs them is a
//! [`Session`](crate::session::Session).
//!
//! A block of another language whose first line is a comment that is a path, such as `# app.yaml` or `-- greet.lua`, is that file:
//! see [`Block::file`].

use std::fmt;
use std::fs;
use std::path::Path;

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
    /// What stands between the fences of a block that is no console.
    Block(Block),
    /// A command and what it printed.
    Step(Step),
}

/// The inside of a block that is no console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line of its opening fence, from 1.
    pub line: usize,
    /// What stands after the fence, such as `lua`.
    pub language: String,
    /// Line by line.
    pub lines: Vec<String>,
}

/// A command with its recorded result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line in the file, from 1.
    pub line: usize,
    /// The command as it stands there, without `$ `.
    pub command: String,
    /// What runs.
    pub program: Program,
    /// The arguments after the program's name, without `&`.
    pub args: Vec<String>,
    /// What it is to print, and its exit code.
    pub expected: Outcome,
}

/// What a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `perilune …`
    Perilune,
    /// `perilune … &`: it goes on while later steps run.
    Background,
    /// `kill %1`: asks the last one in the background to end, and waits.
    Kill,
    /// `curl …`: an HTTP request.
    Curl,
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
                    parts.extend(open.block.take().map(Part::Block));
                    fence = None;
                    parts.push(Part::Text(text.to_owned()));
                }
                Some(Fence { block: Some(block), .. }) => block.lines.push(text.to_owned()),
                Some(open) => {
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
                None => {
                    if is_fence {
                        let language = text.trim_start_matches('`').trim().to_owned();
                        let is_console = language == "console";
                        let block = (!is_console).then(|| Block { line, language, lines: Vec::new() });
                        fence = Some(Fence { line, block, step: None });
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

    /// Its steps.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.parts.iter().filter_map(|part| if let Part::Step(step) = part { Some(step) } else { None })
    }

    /// Its blocks that are no consoles.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.parts.iter().filter_map(|part| if let Part::Block(block) = part { Some(block) } else { None })
    }
}

/// A block that is being read.
struct Fence {
    line: usize,
    /// None in a console.
    block: Option<Block>,
    step: Option<Step>,
}

impl Block {
    /// The file that it is, when its first line is a comment that is nothing but a path.
    pub fn file(&self) -> Option<&str> {
        let comment = self.lines.first()?.trim();
        let path = ["# ", "-- ", "// "]
            .iter()
            .find_map(|begin| comment.strip_prefix(begin))
            .or_else(|| comment.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")))?;
        let is_path = !path.contains(|c: char| c.is_whitespace() || "/.".contains(c) && path.starts_with(c));
        (is_path && path.contains('.') && !path.contains("..")).then_some(path)
    }

    /// Its lines.
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }

    /// The file's contents. Its name is a comment, which stays, so that lines of messages are those of the page; what is shown to people
    /// as it is (`text`, `html`) goes without it.
    pub fn contents(&self) -> String {
        let lines = self.text();
        match (self.language.as_str(), lines.split_once('\n')) {
            ("text" | "html", Some((_, rest))) => rest.to_owned(),
            _ => lines,
        }
    }
}

impl Step {
    fn parse(line: usize, command: &str) -> anyhow::Result<Self> {
        let mut args = shell_words::split(command).with_context(|| format!("`{command}` cannot be read"))?;
        let in_background = args.pop_if(|last| last == "&").is_some();
        let name = if args.is_empty() { String::new() } else { args.remove(0) };
        let program = match (name.as_str(), in_background) {
            ("perilune", false) => Program::Perilune,
            ("perilune", true) => Program::Background,
            ("kill", false) if args == ["%1"] => Program::Kill,
            ("curl", false) => Program::Curl,
            _ => bail!(
                "`{command}` is no `perilune …`, `curl …` or `kill %1`; put steps for other programs into a block of language `sh`"
            ),
        };
        Ok(Self { line, command: command.to_owned(), program, args, expected: Outcome::default() })
    }

    /// The step, and the empty lines after it, which belong to the file's layout and not to the output.
    fn into_parts(mut self) -> impl Iterator<Item = Part> {
        let empty = self.expected.trim();
        std::iter::once(Part::Step(self)).chain((0..empty).map(|_| Part::Text(String::new())))
    }

    /// Whether the command asks an application that runs, and changes nothing.
    pub fn asks(&self) -> bool {
        let mut words = self.args.iter().map(String::as_str);
        match words.next() {
            Some("ps" | "inspect") => true,
            Some("workflow") => matches!(words.next(), Some("list" | "show" | "query")),
            _ => false,
        }
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

    /// Of these printed lines.
    pub(crate) fn new(status: i32, lines: impl IntoIterator<Item = String>) -> Self {
        let mut outcome = Outcome { status, lines: lines.into_iter().collect() };
        outcome.trim();
        outcome
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
            Part::Block(block) => f.write_str(&block.text()),
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
