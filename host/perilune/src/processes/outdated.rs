//! Processes that want to know when their code has changed.

use crate::program::Program;
use crate::runtime::Inner;
use perilune_process::Run;

impl Inner {
    /// Tells all that want to know it what of their code has changed. Neither waits nor changes entries.
    pub(crate) fn tell_outdated(&self) {
        for run in self.runs.upgradable() {
            self.tell_if_outdated(&run);
        }
    }

    /// As [`Inner::tell_outdated`], one of them.
    pub(crate) fn tell_if_outdated(&self, run: &Run) {
        if let Some(program) = run.code().and_then(|code| code.downcast::<Program>().ok()) {
            run.tell_outdated(program.changed_in(&self.registry.snapshot()));
        }
    }
}
