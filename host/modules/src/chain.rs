//! Which calls led to a call.

use crate::Listener;
use std::fmt;
use std::sync::Arc;

/// The entries whose calls led to one, the nearest first, and who listens to them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Chain {
    last: Option<Arc<Link>>,
    listener: Option<Arc<dyn Listener>>,
}

#[derive(Debug)]
struct Link {
    entry: Arc<str>,
    depth: u32,
    before: Chain,
}

impl Chain {
    /// The chain of a call that nobody's call led to, with a listener of its own.
    pub fn heard_by(listener: Arc<dyn Listener>) -> Self {
        Chain { last: None, listener: Some(listener) }
    }

    /// Who hears what calls of this chain say.
    pub fn listener(&self) -> Option<&dyn Listener> {
        self.listener.as_deref()
    }

    /// The chain of what `entry` calls, if this is its own.
    #[must_use]
    pub fn with(&self, entry: Arc<str>) -> Self {
        let link = Link { entry, depth: self.depth() + 1, before: self.clone() };
        Chain { last: Some(Arc::new(link)), listener: self.listener.clone() }
    }

    /// How many calls led here.
    pub fn depth(&self) -> u32 {
        self.last.as_ref().map_or(0, |link| link.depth)
    }

    /// Whether an entry waits for this call.
    pub fn contains(&self, entry: &str) -> bool {
        let mut chain = self;
        while let Some(link) = &chain.last {
            if &*link.entry == entry {
                return true;
            }
            chain = &link.before;
        }
        false
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("last", &self.last).finish_non_exhaustive()
    }
}
