//! Compiled patterns that were used lately.

use super::{Parsed, Regexp};
use lru::LruCache;
use perilune_value::Failure;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of all patterns that are kept, roughly. A thousand usual ones fit.
const MAX_BYTES: usize = 32 << 20;

/// The patterns of a host, kept by their text: scripts hold the text alone, so that what they compiled is no handle.
#[derive(Debug)]
pub struct Cache(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    patterns: LruCache<Box<str>, Arc<Regexp>>,
    bytes: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Cache(Mutex::new(Kept { patterns: LruCache::unbounded(), bytes: 0 }))
    }
}

impl Cache {
    /// The compiled pattern, if that takes no noticeable time.
    ///
    /// # Errors
    ///
    /// `Invalid` with the position of what is wrong.
    pub fn quick(&self, pattern: &str) -> Result<Option<Arc<Regexp>>, Failure> {
        if let Some(kept) = self.kept(pattern) {
            return Ok(Some(kept));
        }
        // A pattern that is too long is refused where it is read.
        if pattern.len() <= super::MAX_PATTERN && !super::is_read_quickly(pattern)? {
            return Ok(None);
        }
        let parsed = Parsed::new(pattern)?;
        if !parsed.is_quick() {
            return Ok(None);
        }
        Ok(Some(self.keep(pattern, parsed.compile()?)))
    }

    /// The compiled pattern.
    ///
    /// # Errors
    ///
    /// `Invalid` with the position of what is wrong.
    pub fn get(&self, pattern: &str) -> Result<Arc<Regexp>, Failure> {
        match self.kept(pattern) {
            Some(kept) => Ok(kept),
            None => Ok(self.keep(pattern, Regexp::new(pattern)?)),
        }
    }

    /// Bytes that are kept, roughly.
    pub fn bytes(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    fn kept(&self, pattern: &str) -> Option<Arc<Regexp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).patterns.get(pattern).cloned()
    }

    fn keep(&self, pattern: &str, regexp: Regexp) -> Arc<Regexp> {
        let regexp = Arc::new(regexp);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += weight(pattern, &regexp);
        if let Some((key, replaced)) = kept.patterns.push(pattern.into(), regexp.clone()) {
            kept.bytes -= weight(&key, &replaced);
        }
        while kept.bytes > MAX_BYTES
            && let Some((key, oldest)) = kept.patterns.pop_lru()
        {
            kept.bytes -= weight(&key, &oldest);
        }
        regexp
    }
}

fn weight(pattern: &str, regexp: &Regexp) -> usize {
    pattern.len() + regexp.size()
}
