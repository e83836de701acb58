//! Module `expr`: what expressions need of the host. They are evaluated in the sandbox, see
//! `docs/decisions/0020-expressions-run-in-the-sandbox.md`.

use crate::bindings::{Answer, answer, expr as wit};
use crate::{base64, compute};
use lru::LruCache;
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_text::regexp::is_read_quickly;
use perilune_value::{Failure, json};
use regex::bytes::{Regex, RegexBuilder};
use std::num::NonZeroUsize;
use std::sync::{LazyLock, Mutex, PoisonError};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "expr",
    summary: "Evaluates expressions such as `price * 2 > limit`.",
    classes: &[Class::Deterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes of a pattern.
const MAX_PATTERN: usize = 1 << 10;
/// Bytes of a compiled pattern: some two thousand states. `\w{50}` needs more, an e-mail address a third.
const MAX_COMPILED: usize = 64 << 10;
/// Bytes of a text. Matching takes states times bytes at the worst: two thousand times so many take a second.
const MAX_TEXT: usize = 256 << 10;
/// Bytes that are matched at once: a few milliseconds at the worst.
const QUICK: usize = 4 << 10;
/// Patterns that are kept compiled: 16 MiB with what they match with.
const CACHED: NonZeroUsize = NonZeroUsize::new(128).expect("invariant: it is not zero");

/// Shared by all cells: what is in it follows from the pattern alone.
static CACHE: LazyLock<Mutex<LruCache<Vec<u8>, Regex>>> = LazyLock::new(|| Mutex::new(LruCache::new(CACHED)));

/// Whether a text matches a pattern somewhere.
///
/// # Errors
///
/// `Invalid` for a pattern that is none, and for a pattern or text that is too large.
pub fn matches(text: &[u8], pattern: &[u8]) -> Result<bool, Failure> {
    if pattern.len() > MAX_PATTERN || text.len() > MAX_TEXT {
        return Err(Failure::invalid(format!(
            "matches takes patterns of at most {MAX_PATTERN} bytes and texts of {MAX_TEXT}, not {} and {}",
            pattern.len(),
            text.len()
        )));
    }
    let cache = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = cache().get(pattern).cloned() {
        return Ok(regex.is_match(text));
    }
    let regex = compile(pattern)?;
    cache().put(pattern.to_vec(), regex.clone());
    Ok(regex.is_match(text))
}

fn compile(pattern: &[u8]) -> Result<Regex, Failure> {
    let refused = |reason: &dyn std::fmt::Display| Failure::invalid(format!("the pattern is not usable: {reason}"));
    let text = std::str::from_utf8(pattern).map_err(|error| refused(&error))?;
    // It is compiled where it is asked for, and refused patterns are not kept.
    if !is_read_quickly(text).map_err(|error| refused(&error.message))? {
        return Err(refused(&"it has too many large classes of characters"));
    }
    RegexBuilder::new(text)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                refused(&"it is too large when its repetitions are written out; repeat less often")
            }
            other => refused(&other),
        })
}

/// A text in upper case; bytes that are not UTF-8 stay.
pub fn upper(text: &[u8]) -> Vec<u8> {
    cased(text, |text| text.to_uppercase())
}

/// A text in lower case; bytes that are not UTF-8 stay.
pub fn lower(text: &[u8]) -> Vec<u8> {
    cased(text, |text| text.to_lowercase())
}

fn cased(text: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(change(chunk.valid()).as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// Texts that change case at once.
fn short(text: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if text.len() <= MAX_TEXT {
        return Ok(text);
    }
    Err(Failure::invalid(format!("the text has {} bytes; {MAX_TEXT} are the most", text.len())))
}

impl wit::Host for CellState {
    fn matches(&mut self, text: Vec<u8>, pattern: Vec<u8>) -> Answer<Option<bool>> {
        if text.len() > QUICK {
            return Ok(Ok(None));
        }
        answer(matches(&text, &pattern).map(Some))
    }

    fn start_matches_large(&mut self, text: Vec<u8>, pattern: Vec<u8>) -> wasmtime::Result<Ticket> {
        compute::start(self, text.len() + pattern.len(), move |_| matches(&text, &pattern))
    }

    fn take_matches_large(&mut self, ticket: Ticket) -> Answer<bool> {
        Ok(self.tickets.take::<bool>(ticket)?.map_err(failure_to_wit))
    }

    fn upper(&mut self, text: Vec<u8>) -> Answer<Vec<u8>> {
        answer(short(text).map(|text| upper(&text)))
    }

    fn lower(&mut self, text: Vec<u8>) -> Answer<Vec<u8>> {
        answer(short(text).map(|text| lower(&text)))
    }

    fn to_json(&mut self, value: Vec<u8>) -> Answer<String> {
        answer(json::encode_from_msgpack(&value))
    }

    fn from_json(&mut self, text: Vec<u8>) -> Answer<Vec<u8>> {
        answer(json::decode_to_msgpack(&text))
    }

    fn to_base64(&mut self, data: Vec<u8>) -> wasmtime::Result<String> {
        Ok(base64::encode(&data))
    }

    fn from_base64(&mut self, text: Vec<u8>) -> Answer<Vec<u8>> {
        answer(base64::decode(text))
    }
}
