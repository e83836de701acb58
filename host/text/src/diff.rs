//! Differences between two texts, and patches made of them: the algorithms of diff-match-patch.

use diff_match_patch_rs::dmp::Diff;
use diff_match_patch_rs::{Compat, DiffMatchPatch, Ops, PatchInput};
use perilune_value::{Failure, Kind};
use serde::Deserialize;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes of each text. Positions of patches are kept in 32 bits, and the search for a patch's place takes several times the
/// text in memory.
pub const MAX_TEXT: usize = 256 << 10;

/// Characters of the one text times those of the other. The search for one text in the other compares so many at the worst,
/// which no timeout ends: 1 s.
const MAX_PRODUCT: usize = 1 << 32;

/// The same where nobody can interrupt: a few milliseconds, the rest of the comparison included.
const QUICK_PRODUCT: usize = 300_000;

/// Patches that are applied at once, and lines of one: taking lines off its front costs their number each time.
const MAX_PATCHES: usize = 1_000;
const MAX_LINES: usize = 10_000;

/// The longest that a comparison may take, whatever the options say.
const MAX_TIMEOUT: f64 = 5.0;

/// Characters of context on both sides of a change: the crate has no setting for it.
const MARGIN: i64 = 4;

/// Bytes of patches times bytes of text. Placing 24 characters compares the text with them 32 times at the worst: 5 s.
const MAX_PLACING: usize = 1 << 31;

/// How texts are compared and patches applied.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Seconds after which a comparison takes the best that it has found; 0 stands for as long as is allowed.
    pub diff_timeout: f64,
    /// Cost of an empty edit in characters.
    pub diff_edit_cost: i64,
    /// How alike a place must be to what a patch expects: 0 for equal, 1 for anything.
    pub match_threshold: f64,
    /// Characters from the expected place after which nothing matches any more.
    pub match_distance: i64,
    /// How alike the text must be that a patch deletes.
    pub patch_delete_threshold: f64,
    /// Characters around a change that a patch holds.
    pub patch_margin: i64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            diff_timeout: 1.0,
            diff_edit_cost: 4,
            match_threshold: 0.5,
            match_distance: 1000,
            patch_delete_threshold: 0.5,
            patch_margin: MARGIN,
        }
    }
}

/// One piece of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// `equal`, `insert` or `delete`.
    pub operation: &'static str,
    /// The text.
    pub text: String,
}

/// Compares texts, makes and applies patches.
pub struct Differ(DiffMatchPatch);

impl std::fmt::Debug for Differ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Differ")
    }
}

/// Whether comparing two texts takes no noticeable time.
pub fn is_quick(old: &[u8], new: &[u8]) -> bool {
    (old.len() + new.len()).pow(2) <= QUICK_PRODUCT
}

impl Differ {
    /// A differ with these options.
    ///
    /// # Errors
    ///
    /// `Invalid` naming the option that is out of range.
    pub fn new(options: &Options) -> Result<Self, Failure> {
        let share = |name: &str, value: f64| match value {
            value if (0.0..=1.0).contains(&value) => Ok(value as f32),
            _ => Err(Failure::invalid(format!("option `{name}` is a number from 0 to 1, not {value}"))),
        };
        let count = |name: &str, value: i64, most: i64| match usize::try_from(value) {
            Ok(count) if value <= most => Ok(count),
            _ => {
                Err(Failure::invalid(format!("option `{name}` is an integer from 0 to {most}, not {value}")))
            }
        };
        let seconds = match options.diff_timeout {
            0.0 => MAX_TIMEOUT,
            seconds if (0.0..=3600.0).contains(&seconds) => seconds.min(MAX_TIMEOUT),
            other => {
                let message =
                    format!("option `diff_timeout` is a number of seconds from 0 to 3600, not {other}");
                return Err(Failure::invalid(message));
            }
        };
        if options.patch_margin != MARGIN {
            let message = format!("option `patch_margin` can only be {MARGIN}, not {}", options.patch_margin);
            return Err(Failure::invalid(message));
        }
        let mut differ = DiffMatchPatch::default();
        differ.set_timeout(Some((seconds * 1000.0).max(1.0) as u32));
        differ.set_edit_cost(count("diff_edit_cost", options.diff_edit_cost, 10_000)?);
        differ.set_match_threshold(share("match_threshold", options.match_threshold)?);
        differ.set_match_distance(count("match_distance", options.match_distance, 1_000_000)?);
        differ.set_delete_threshold(share("patch_delete_threshold", options.patch_delete_threshold)?);
        Ok(Differ(differ))
    }

    /// The pieces that turn one text into the other.
    ///
    /// # Errors
    ///
    /// `Invalid` for text that is not UTF-8, `RateLimited` when the texts are too long.
    pub fn compare(&self, old: &[u8], new: &[u8]) -> Result<Vec<Piece>, Failure> {
        let (old, new) = pair(old, new)?;
        guarded(|| {
            let diffs = self.0.diff_main::<Compat>(old, new).map_err(|error| failed(&error))?;
            Ok(diffs.iter().filter(|diff| diff.size() > 0).map(piece).collect())
        })
    }

    /// The patches that turn one text into the other, as text each.
    ///
    /// # Errors
    ///
    /// As [`Differ::compare`].
    pub fn make(&self, old: &[u8], new: &[u8]) -> Result<Vec<String>, Failure> {
        let (old, new) = pair(old, new)?;
        guarded(|| {
            let patches = self.0.patch_make::<Compat>(PatchInput::new_text_text(old, new));
            Ok(patches.map_err(|error| failed(&error))?.iter().map(ToString::to_string).collect())
        })
    }

    /// Applies patches to a text that need not be the one they were made from. Returns the text, and whether all found their
    /// place.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no patch and for text that is not UTF-8, `RateLimited` when there is too much of it.
    pub fn apply(&self, patches: &[String], text: &[u8]) -> Result<(String, bool), Failure> {
        let text = utf8(text)?;
        if patches.len() > MAX_PATCHES {
            return Err(too_much(format!(
                "{} patches are more than the {MAX_PATCHES} allowed",
                patches.len()
            )));
        }
        // A patch is placed even when it is short.
        let length: usize = patches.iter().map(|patch| patch.len() + 32).sum();
        if length.saturating_mul(text.len()) > MAX_PLACING || length > 4 * MAX_TEXT {
            return Err(too_much(
                "the patches are too long for a text of this length; apply them in parts".to_owned(),
            ));
        }
        let mut parsed = Vec::new();
        for (index, patch) in patches.iter().enumerate() {
            let invalid = |why: &str| Failure::invalid(format!("patches[{}] is no patch: {why}", index + 1));
            check(patch).map_err(invalid)?;
            let read = guarded(|| self.0.patch_from_text::<Compat>(patch).map_err(|error| failed(&error)));
            parsed.extend(read.map_err(|failure| invalid(&failure.message))?);
        }
        guarded(|| {
            let (text, applied) = self.0.patch_apply(&parsed, text).map_err(|error| failed(&error))?;
            Ok((text, applied.into_iter().all(|applied| applied)))
        })
    }
}

fn piece(diff: &Diff<char>) -> Piece {
    let operation = match diff.op() {
        Ops::Equal => "equal",
        Ops::Insert => "insert",
        Ops::Delete => "delete",
    };
    Piece { operation, text: diff.data().iter().collect() }
}

fn pair<'a>(old: &'a [u8], new: &'a [u8]) -> Result<(&'a str, &'a str), Failure> {
    let (old, new) = (utf8(old)?, utf8(new)?);
    if old.chars().count().saturating_mul(new.chars().count()) > MAX_PRODUCT {
        return Err(too_much(
            "the texts are too long to be compared with each other; compare parts of them".to_owned(),
        ));
    }
    Ok((old, new))
}

fn utf8(text: &[u8]) -> Result<&str, Failure> {
    if text.len() > MAX_TEXT {
        return Err(too_much(format!(
            "a text of {} bytes is longer than the {MAX_TEXT} allowed",
            text.len()
        )));
    }
    std::str::from_utf8(text).map_err(|error| Failure::invalid(format!("the text is not UTF-8: {error}")))
}

fn too_much(message: String) -> Failure {
    Failure::new(Kind::RateLimited, message).with_detail("limit", "size")
}

fn failed(error: &diff_match_patch_rs::Error) -> Failure {
    Failure::invalid(format!("{error:?}"))
}

/// The crate slices by numbers that patches bring along; what its own checks miss must not end the cell.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Failure::invalid("the patch contradicts itself or the text")))
}

/// Whether a text is one patch whose header tells the truth: positions and lengths are used as they stand.
fn check(patch: &str) -> Result<(), &'static str> {
    let mut lines = patch.split('\n').filter(|line| !line.is_empty());
    let header = lines.next().ok_or("it is empty")?;
    let (old, new) = header
        .strip_prefix("@@ -")
        .and_then(|header| header.strip_suffix(" @@"))
        .and_then(|header| header.split_once(" +"))
        .ok_or("its first line is not like `@@ -1,2 +1,2 @@`")?;
    let (old, new) = (range(old)?, range(new)?);
    let (mut deleted, mut inserted) = (0, 0);
    for (number, line) in lines.enumerate() {
        if number >= MAX_LINES {
            return Err("it has too many lines");
        }
        let (deletes, inserts) = match line.as_bytes()[0] {
            b' ' => (true, true),
            b'-' => (true, false),
            b'+' => (false, true),
            _ => return Err("a line begins with neither ` `, `+` nor `-`"),
        };
        let length = characters(&line[1..])?;
        deleted += if deletes { length } else { 0 };
        inserted += if inserts { length } else { 0 };
    }
    if (deleted, inserted) == (old, new) {
        Ok(())
    } else {
        Err("its lines do not add up to the lengths in its first line")
    }
}

/// The length in `start,length` or `start`, whose length is 1.
fn range(text: &str) -> Result<usize, &'static str> {
    let number = |text: &str| match text.parse::<usize>() {
        Ok(number) if number <= 4 * MAX_TEXT && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => Err("a position in its first line is no number, or too large"),
    };
    let (start, length) = match text.split_once(',') {
        Some((start, length)) => (number(start)?, number(length)?),
        None => (number(text)?, 1),
    };
    if start == 0 && length > 0 { Err("positions in its first line count from 1") } else { Ok(length) }
}

/// Characters of a line whose bytes may be written as `%0A`.
fn characters(line: &str) -> Result<usize, &'static str> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'%' => {
                let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
                rest = after.get(2..).unwrap_or_default();
                code.and_then(|code| u8::from_str_radix(code, 16).ok())
                    .ok_or("`%` is not followed by two digits")?
            }
            byte => byte,
        });
    }
    std::str::from_utf8(&bytes).map(|text| text.chars().count()).map_err(|_| "a line is not UTF-8")
}
