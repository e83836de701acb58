//! Which calls led to a call.

use std::sync::Arc;

/// The entries whose calls led to one, the nearest first. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Chain(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    entry: Arc<str>,
    depth: u32,
    before: Chain,
}

impl Chain {
    /// The chain of what `entry` calls, if this is its own.
    #[must_use]
    pub fn with(&self, entry: Arc<str>) -> Self {
        Chain(Some(Arc::new(Link { entry, depth: self.depth() + 1, before: self.clone() })))
    }

    /// How many calls led here.
    pub fn depth(&self) -> u32 {
        self.0.as_ref().map_or(0, |link| link.depth)
    }

    /// Whether an entry waits for this call.
    pub fn contains(&self, entry: &str) -> bool {
        let mut chain = self;
        while let Some(link) = &chain.0 {
            if &*link.entry == entry {
                return true;
            }
            chain = &link.before;
        }
        false
    }
}
