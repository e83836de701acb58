//! Texts of files: one that has not changed since it was read is not read again.

use super::files::{ReadError, Stamp, Tree, shown};
use crate::SourceText;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Texts by path, as they were when they were last asked for. Each round looks at a file once.
#[derive(Default)]
pub(crate) struct Texts {
    kept: HashMap<PathBuf, Kept>,
    round: u64,
    /// What was asked for in this round, those included that could not be read.
    asked: BTreeSet<PathBuf>,
}

struct Kept {
    text: Arc<SourceText>,
    stamp: Stamp,
    /// Whether a change after this stamp is sure to make another one: see [`Stamp::is_settled`].
    is_settled: bool,
    /// Where the file lies, if a symbolic link led there.
    real: Option<PathBuf>,
    /// When it was last looked at.
    round: u64,
}

impl Texts {
    /// Begins a round: everything is looked at again.
    pub(crate) fn begin(&mut self) {
        self.round += 1;
        self.asked.clear();
    }

    /// Goes on with the round: only these files are looked at again, all of which were asked for in it, and the others are as they were. False
    /// where that cannot be done, since nothing is known of one of them, or since another one may lead to it.
    pub(crate) fn again(&mut self, changed: &BTreeSet<PathBuf>) -> bool {
        let round = self.round;
        let is_known = |path: &PathBuf| self.kept.get(path).is_some_and(|kept| kept.round == round);
        if !changed.iter().all(is_known) || self.kept.values().any(|kept| kept.real.is_some()) {
            return false;
        }
        for path in changed {
            if let Some(kept) = self.kept.get_mut(path) {
                (kept.round, kept.is_settled) = (0, false);
            }
        }
        true
    }

    /// How many files this round asked for.
    pub(crate) fn count(&self) -> usize {
        self.asked.len()
    }

    /// Forgets what was not asked for in this round.
    pub(crate) fn finish(&mut self) {
        let round = self.round;
        self.kept.retain(|_, kept| kept.round == round);
    }

    /// The text of a file. It is the same `Arc` as in the round before exactly if the text is the same.
    pub(crate) fn get(&mut self, tree: &Tree, path: &Path, max: u64) -> Result<Arc<SourceText>, ReadError> {
        let round = self.round;
        if let Some(kept) = self.kept.get(path)
            && kept.round == round
        {
            return Ok(kept.text.clone());
        }
        self.asked.insert(path.to_owned());
        // Before the text: a change in between is found in the next round.
        let stamp = tree.stamp(path)?;
        if let Some(kept) = self.kept.get_mut(path)
            && kept.is_settled
            && kept.stamp == stamp
        {
            kept.round = round;
            return Ok(kept.text.clone());
        }
        let text = tree.read_text(path, max)?;
        let text = match self.kept.remove(path) {
            Some(kept) if kept.text.text() == text => kept.text,
            _ => Arc::new(SourceText::new(shown(path), text)),
        };
        let kept = Kept {
            text: text.clone(),
            stamp,
            is_settled: stamp.is_settled(),
            real: tree.behind_link(path),
            round,
        };
        self.kept.insert(path.to_owned(), kept);
        Ok(text)
    }

    /// What a file is told by whose bytes are not kept.
    pub(crate) fn stamp(&mut self, tree: &Tree, path: &Path) -> Result<Stamp, ReadError> {
        self.asked.insert(path.to_owned());
        tree.stamp(path)
    }

    /// Every file that this round asked for, and where links led to.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Path> {
        let real = self.kept.values().filter_map(|kept| kept.real.as_deref());
        self.asked.iter().map(PathBuf::as_path).chain(real)
    }
}
