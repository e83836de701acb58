//! Regular expressions over bytes, in time that is linear in pattern and text.
//!
//! The syntax is RE2's: `\d`, `\s`, `\w` and `\b` mean ASCII, letters of other scripts are `\pL`. There are neither
//! backreferences nor lookaround.

mod cache;
mod cost;
mod effort;
mod syntax;

pub use cache::Cache;

use crate::allowance::Allowance;
use cost::Cost;
use perilune_value::{Failure, Kind};
use regex::bytes::{Regex, RegexBuilder};
use std::fmt;
use std::time::Duration;

/// Bytes of a pattern; a page of text. Parsing takes memory in proportion.
pub const MAX_PATTERN: usize = 16 << 10;

/// Bytes of a compiled pattern. The crate's own default; what is larger is nearly always a repetition of a repetition.
const MAX_COMPILED: usize = 10 << 20;

/// Bytes in which one search keeps the states that it has met.
const SEARCH_CACHE: usize = 1 << 20;

/// Groups of a pattern: each costs two positions in every match.
const MAX_GROUPS: usize = 100;

/// Patterns up to so many states are compiled at once: 3 ms (measured: 500 ns a state at the slowest).
pub const QUICK_STATES: u64 = 5_000;

/// Classes of characters that are made at once: 3 ms.
const QUICK_EFFORT: u64 = 500_000;

/// One search may take `width × bytes` up to this: the slowest engine needs 10 ns for each, so 5 s at the worst, while usual
/// patterns are a thousand times faster than the worst.
const MAX_WORK: u64 = 500_000_000;

/// The same for searches that nobody can interrupt: 3 ms at the worst.
const QUICK_WORK: u64 = 300_000;

/// How far a search may go.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    work: u64,
    /// Called on the thread that searches, when it begins.
    time: fn() -> Allowance,
    bytes: usize,
}

impl Bound {
    /// On the thread that asks: a few milliseconds, and results up to 256 KiB.
    pub fn quick() -> Self {
        Bound { work: QUICK_WORK, time: || Allowance::of_waiting(Duration::from_millis(2)), bytes: 256 << 10 }
    }

    /// On a thread of its own: seconds of computing, and results of so many bytes.
    pub fn long(bytes: usize) -> Self {
        Bound { work: MAX_WORK, time: || Allowance::of_computing(Duration::from_secs(2)), bytes }
    }
}

/// A search went further than it may; nothing is known of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Pattern and text are too large for each other.
    Work,
    /// It took too long.
    Time,
    /// What it found takes too much memory.
    Memory,
}

impl From<Exceeded> for Failure {
    fn from(exceeded: Exceeded) -> Self {
        let (kind, limit, text) = match exceeded {
            Exceeded::Work => {
                (Kind::RateLimited, "work", "the pattern is too complex for a text of this length")
            }
            Exceeded::Time => {
                (Kind::Timeout, "time", "the search took longer than 2 s; search in smaller pieces")
            }
            Exceeded::Memory => {
                (Kind::RateLimited, "memory", "the result is too large; search in smaller pieces")
            }
        };
        Failure::new(kind, text).with_detail("limit", limit)
    }
}

/// A compiled pattern.
pub struct Regexp {
    regex: Regex,
    cost: Cost,
}

impl fmt::Debug for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regexp").field(&self.regex.as_str()).finish()
    }
}

/// Whether reading a pattern takes no noticeable time. Patterns in other dialects are asked about as well: it counts classes of
/// characters, which all have.
///
/// # Errors
///
/// `Invalid` with the position of what is wrong.
pub fn is_read_quickly(pattern: &str) -> Result<bool, Failure> {
    Ok(pattern.len() <= MAX_PATTERN && syntax::effort(pattern)? <= QUICK_EFFORT)
}

/// A pattern that was read and not yet compiled.
pub struct Parsed {
    pattern: String,
    cost: Cost,
}

impl Parsed {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// `Invalid` with the position of what is wrong, counted from 1 in bytes as Lua counts.
    pub fn new(pattern: &str) -> Result<Self, Failure> {
        if pattern.len() > MAX_PATTERN {
            let message =
                format!("the pattern has {} bytes, more than the {MAX_PATTERN} allowed", pattern.len());
            return Err(Failure::invalid(message));
        }
        let (pattern, hir) = syntax::read(pattern)?;
        Ok(Parsed { pattern, cost: Cost::of(&hir) })
    }

    /// States of the automaton that it becomes.
    pub fn states(&self) -> u64 {
        self.cost.states
    }

    /// Whether compiling it takes no noticeable time.
    pub fn is_quick(&self) -> bool {
        self.cost.states <= QUICK_STATES
    }

    /// Compiles it.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is too large.
    pub fn compile(self) -> Result<Regexp, Failure> {
        let built = RegexBuilder::new(&self.pattern)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(SEARCH_CACHE)
            .nest_limit(syntax::MAX_NESTING)
            .build();
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => Failure::invalid(
                "the pattern is too large when its repetitions are written out; repeat less often",
            ),
            other => Failure::invalid(other.to_string()),
        })?;
        if regex.captures_len() > MAX_GROUPS {
            return Err(Failure::invalid(format!("the pattern has more than {MAX_GROUPS} groups")));
        }
        Ok(Regexp { regex, cost: self.cost })
    }
}

impl Regexp {
    /// Reads and compiles a pattern.
    ///
    /// # Errors
    ///
    /// As [`Parsed::new`] and [`Parsed::compile`].
    pub fn new(pattern: &str) -> Result<Self, Failure> {
        Parsed::new(pattern)?.compile()
    }

    /// The names of the groups, the whole match first; empty for those without one.
    pub fn names(&self) -> Vec<String> {
        self.regex.capture_names().map(|name| name.unwrap_or_default().to_owned()).collect()
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        // A state takes some 24 bytes in the program, and twice that in the caches of searches.
        usize::try_from(self.cost.states.saturating_mul(64)).unwrap_or(usize::MAX).saturating_add(4 << 10)
    }

    /// Whether it occurs in a text.
    ///
    /// # Errors
    ///
    /// [`Exceeded`].
    pub fn is_match(&self, text: &[u8], bound: Bound) -> Result<bool, Exceeded> {
        self.check(text, bound)?;
        Ok(self.regex.is_match(text))
    }

    /// Where it occurs, up to `most` times: for each match a start and an end, then with `groups` those of each group. They
    /// count from 1, the end is the last byte's position; 0 and -1 stand for a group that took no part.
    ///
    /// # Errors
    ///
    /// [`Exceeded`].
    pub fn spans(&self, text: &[u8], groups: bool, most: usize, bound: Bound) -> Result<Vec<i32>, Exceeded> {
        self.check(text, bound)?;
        let mut spans = Spans { found: Vec::new(), most: bound.bytes, time: (bound.time)() };
        if groups {
            for captures in self.regex.captures_iter(text).take(most) {
                for group in captures.iter() {
                    spans.push(group.map(|group| (group.start(), group.end())));
                }
                spans.check()?;
            }
        } else {
            for found in self.regex.find_iter(text).take(most) {
                spans.push(Some((found.start(), found.end())));
                spans.check()?;
            }
        }
        Ok(spans.found)
    }

    /// The text with each match replaced; `$1`, `$name` and `${name}` in the replacement stand for groups, `$$` for `$`.
    ///
    /// # Errors
    ///
    /// [`Exceeded`].
    pub fn replace_all(&self, text: &[u8], replacement: &[u8], bound: Bound) -> Result<Vec<u8>, Exceeded> {
        self.check(text, bound)?;
        let plain = !replacement.contains(&b'$');
        let mut out = Vec::new();
        let mut copied = 0;
        let mut time = (bound.time)();
        let mut check = |out: &Vec<u8>| match () {
            () if out.len() > bound.bytes => Err(Exceeded::Memory),
            () if time.is_used_up() => Err(Exceeded::Time),
            () => Ok(()),
        };
        if plain {
            for found in self.regex.find_iter(text) {
                out.extend_from_slice(&text[copied..found.start()]);
                out.extend_from_slice(replacement);
                copied = found.end();
                check(&out)?;
            }
        } else {
            for captures in self.regex.captures_iter(text) {
                let Some(found) = captures.get(0) else { continue };
                out.extend_from_slice(&text[copied..found.start()]);
                captures.expand(replacement, &mut out);
                copied = found.end();
                check(&out)?;
            }
        }
        out.extend_from_slice(&text[copied..]);
        check(&out)?;
        Ok(out)
    }

    fn check(&self, text: &[u8], bound: Bound) -> Result<(), Exceeded> {
        let work = self.cost.width.saturating_mul(text.len() as u64);
        if work > bound.work || i32::try_from(text.len()).is_err() { Err(Exceeded::Work) } else { Ok(()) }
    }
}

struct Spans {
    found: Vec<i32>,
    /// Bytes that it may take.
    most: usize,
    time: Allowance,
}

impl Spans {
    fn push(&mut self, span: Option<(usize, usize)>) {
        let place = |at: usize| i32::try_from(at).expect("invariant: the text is shorter than 2 GiB");
        match span {
            Some((start, end)) => self.found.extend([place(start) + 1, place(end)]),
            None => self.found.extend([0, -1]),
        }
    }

    /// Between two matches: a search of its own begins at each.
    fn check(&mut self) -> Result<(), Exceeded> {
        if self.found.len() > self.most / size_of::<i32>() {
            return Err(Exceeded::Memory);
        }
        if self.time.is_used_up() { Err(Exceeded::Time) } else { Ok(()) }
    }
}
