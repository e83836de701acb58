//! How many processes all hosts of an application may run together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A count with a bound.
#[derive(Debug)]
pub struct Total {
    most: usize,
    now: AtomicUsize,
}

impl Default for Total {
    fn default() -> Self {
        Total::at_most(usize::MAX)
    }
}

impl Total {
    /// Room for so many.
    pub fn at_most(most: usize) -> Self {
        Total { most, now: AtomicUsize::new(0) }
    }

    /// How many there may be.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Takes room for one, as long as the result lives; `None` where there is none.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Counted> {
        let add = |count: usize| (count < self.most).then_some(count + 1);
        self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Counted(self.clone()))
    }
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Total>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Total;
    use std::sync::Arc;

    #[test]
    fn room_is_free_again_when_a_process_has_ended() {
        let total = Arc::new(Total::at_most(2));
        let (first, second) = (total.enter(), total.enter());
        assert!(first.is_some() && second.is_some() && total.enter().is_none());
        drop(first);
        assert!(total.enter().is_some());
    }
}
