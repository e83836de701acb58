//! Values in a file of `NAME=value` lines.

use super::Backend;
use crate::dotenv::Document;
use perilune_files::{Reason, Root, VirtualPath, tree};
use perilune_value::Failure;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// A file of variables has a few kilobytes.
const MOST_BYTES: usize = 1 << 20;

pub(crate) struct File {
    /// The folder that it lies in.
    pub(crate) folder: Root,
    pub(crate) path: VirtualPath,
    /// What messages name it by.
    pub(crate) label: String,
    pub(crate) permissions: u32,
    /// Whether it may be missing.
    pub(crate) auto_create: bool,
    /// What was read last. Held while it is read and written: writers take turns.
    pub(crate) known: Mutex<Option<Known>>,
}

/// A file's content, and what tells whether it is still that.
pub(crate) struct Known {
    stamp: (u64, SystemTime),
    document: Arc<Document>,
}

impl File {
    fn read(&self, known: &mut Option<Known>) -> Result<Arc<Document>, Failure> {
        let dir = self.folder.open()?;
        let stamp = match tree::metadata(&dir, &self.path) {
            Ok(metadata) => (metadata.size, metadata.modified),
            Err(reason) if reason.is_missing() && self.auto_create => return Ok(Arc::default()),
            Err(reason) => return Err(self.failure(&reason)),
        };
        match known {
            Some(known) if known.stamp == stamp => Ok(known.document.clone()),
            _ => {
                let bytes =
                    tree::read(&dir, &self.path, MOST_BYTES).map_err(|reason| self.failure(&reason))?;
                let text = String::from_utf8(bytes)
                    .map_err(|_| Failure::invalid(format!("{}: it is not UTF-8", self.label)))?;
                let document = Document::parse(text)
                    .map_err(|error| Failure::invalid(format!("{}: {error}", self.label)))?;
                let document = Arc::new(document);
                *known = Some(Known { stamp, document: document.clone() });
                Ok(document)
            }
        }
    }

    fn write(&self, name: &str, value: &str) -> Result<(), Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let document = self.read(&mut known)?;
        let changed = document
            .with(name, value)
            .map_err(|error| Failure::invalid(format!("{}: {error}", self.label)))?;
        if changed.len() > MOST_BYTES {
            return Err(self.failure(&Reason::TooMuch(format!("it would have more than {MOST_BYTES} bytes"))));
        }
        let dir = self.folder.open()?;
        let written = tree::replace(&dir, &self.path, changed.as_bytes(), self.permissions);
        // Times of files are coarse: two writes may have one.
        *known = None;
        written.map_err(|reason| self.failure(&reason))
    }

    fn failure(&self, reason: &Reason) -> Failure {
        let failure = reason.of(&self.label);
        if !reason.is_missing() {
            return failure;
        }
        Failure { message: format!("{}; make it, or set `auto_create: true`", failure.message), ..failure }
    }
}

impl Backend for File {
    fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.read(&mut known)?.get(name).map(str::to_owned))
    }

    fn set(&self, name: &str, value: &str) -> Option<Result<(), Failure>> {
        Some(self.write(name, value))
    }
}
