//! How large a result may be.

use perilune_value::{Failure, Kind};

/// Who says how much memory a result may take.
pub trait Budget: Send {
    /// Takes so many bytes more; false when that is too much.
    fn take(&mut self, bytes: usize) -> bool;
}

/// So many bytes and no more.
pub struct Limit(pub usize);

impl Budget for Limit {
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// Bytes that are taken at once: asking for every row would cost more than the row.
const STEP: usize = 64 * 1024;

/// A budget that is asked in large steps.
pub(crate) struct Meter<'a> {
    budget: &'a mut dyn Budget,
    /// Taken and not yet used.
    left: usize,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: &'a mut dyn Budget) -> Self {
        Meter { budget, left: 0 }
    }

    /// Uses bytes of the budget.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), Failure> {
        if self.left < bytes {
            let missing = bytes - self.left;
            let taken = [missing.max(STEP), missing].into_iter().find(|bytes| self.budget.take(*bytes));
            self.left += taken.ok_or_else(too_large)?;
        }
        self.left -= bytes;
        Ok(())
    }
}

/// The refusal of a result.
pub(crate) fn too_large() -> Failure {
    let message = "the result is larger than the caller may hold: ask for fewer rows or columns, with LIMIT and OFFSET for \
                   example, or raise `limits.memory`";
    Failure::new(Kind::RateLimited, message).with_detail("limit", "memory")
}
