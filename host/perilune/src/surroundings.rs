//! What live cells find around them.

use perilune_cell::{Host, Identity};
use std::sync::Arc;

/// Where printed lines go.
pub trait Output: Send + Sync + 'static {
    /// A line without its line end: any bytes. `location` is `entry:line`.
    fn print(&self, cell: &Identity, line: &[u8], location: &str);
}

impl<F: Fn(&Identity, &[u8], &str) + Send + Sync + 'static> Output for F {
    fn print(&self, cell: &Identity, line: &[u8], location: &str) {
        self(cell, line, location);
    }
}

/// Printed lines as log records, where nobody chose another output.
pub(crate) struct Log;

impl Output for Log {
    fn print(&self, cell: &Identity, line: &[u8], location: &str) {
        let line = perilune_modules::logger::message(line);
        tracing::info!(target: "perilune::print", entry = &*cell.entry, pid = %cell.pid, location, "{line}");
    }
}

/// Live cells: the machine's clock, real randomness.
pub(crate) struct Surroundings {
    pub(crate) output: Arc<dyn Output>,
}

impl Host for Surroundings {
    fn print(&self, cell: &Identity, line: &[u8], location: &str) {
        self.output.print(cell, line, location);
    }
}
