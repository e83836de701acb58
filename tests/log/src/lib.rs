//! What a test's thread logs, for tests that promise what a log says.
//!
//! # Layout
//!
//! All of it is in this file: [`Log`].

use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;

/// A subscriber that wants nothing and stays for ever.
///
/// While `tracing` knows only one subscriber, it asks the thread that comes first to a place that logs whether that
/// place is of interest, and remembers the answer. That may be the thread of another test, which keeps no log, and
/// then nobody ever sees the record. With two subscribers it asks both, whichever thread it is. This one has to be
/// the first: as it wants nothing, no place is asked about before the second is there.
static FIRST: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(tracing_subscriber::fmt().with_max_level(LevelFilter::OFF).finish()));

/// What the thread that made it logs while it lives.
pub struct Log {
    written: Written,
    _keeping: DefaultGuard,
}

impl Log {
    /// Keeps all records from `INFO` on.
    pub fn keep() -> Log {
        LazyLock::force(&FIRST);
        let written = Written::default();
        let writer = written.clone();
        let log = tracing_subscriber::fmt().without_time().with_ansi(false);
        let log = log.with_writer(move || writer.clone()).finish();
        Log { written, _keeping: tracing::subscriber::set_default(log) }
    }

    /// The records so far, each a line: `LEVEL target: message field=value …`.
    pub fn records(&self) -> Vec<String> {
        let bytes = self.written.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).lines().map(|line| line.trim().to_owned()).collect()
    }

    /// The last record, or nothing.
    pub fn last(&self) -> String {
        self.records().pop().unwrap_or_default()
    }

    /// Whether a record has this in it.
    pub fn says(&self, text: &str) -> bool {
        self.records().iter().any(|record| record.contains(text))
    }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
