//! The four types of pool and their defaults.

use std::fmt;
use std::time::Duration;

/// How the workers of a pool come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One worker that is kept as each call leaves it. A call that finds it taken gets a worker of its own, which is given up afterwards.
    Inline,
    /// No workers while idle; as many as there are calls, up to `max_size`.
    Lazy,
    /// `size` workers, always.
    Static,
    /// Between `size` and `max_size` workers: more while callers wait, fewer when they are not used.
    Adaptive,
}

impl Kind {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Inline => "inline",
            Kind::Lazy => "lazy",
            Kind::Static => "static",
            Kind::Adaptive => "adaptive",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a pool is told. [`Settings::new`] has the defaults; a pool brings absurd numbers into range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The entry whose calls these are, for messages and details of failures.
    pub name: String,
    /// How workers come and go.
    pub kind: Kind,
    /// Workers: of a static pool all, of an adaptive one the fewest, of a lazy one those that [`Settings::warm_start`] makes.
    pub size: u32,
    /// Most workers of a pool that is not static.
    pub max_size: u32,
    /// Calls that may wait; `None` for 64 for each worker that the pool may have.
    pub buffer: Option<u32>,
    /// Whether [`Pool::warm`](crate::Pool::warm) makes `size` workers. A static pool is always warmed; an adaptive one then keeps them.
    pub warm_start: bool,
    /// How long a worker may be idle before it is given up; `None` for ever.
    pub idle_timeout: Option<Duration>,
}

impl Settings {
    /// Workers of a static pool.
    pub const STATIC_SIZE: u32 = 8;

    /// Most workers of the other types.
    pub const MAX_SIZE: u32 = 16;

    /// Calls that may wait for each worker that the pool may have.
    pub const BUFFER_PER_WORKER: u32 = 64;

    /// Long enough to bridge the pauses of a visitor, short enough that what nobody calls takes no memory for long.
    pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

    /// The defaults of a type.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        let elastic = matches!(kind, Kind::Lazy | Kind::Adaptive);
        Settings {
            name: name.into(),
            kind,
            size: if kind == Kind::Static { Self::STATIC_SIZE } else { 1 },
            max_size: Self::MAX_SIZE,
            buffer: None,
            warm_start: false,
            idle_timeout: elastic.then_some(Self::IDLE_TIMEOUT),
        }
    }

    /// The fewest and the most calls that run at once.
    pub(crate) fn workers(&self) -> (u32, u32) {
        let (size, most) = (self.size.max(1), self.max_size.max(1));
        match self.kind {
            Kind::Static => (size, size),
            Kind::Adaptive => (size.min(most), most),
            Kind::Lazy | Kind::Inline => (most, most),
        }
    }

    /// How many calls may wait.
    pub(crate) fn queue(&self) -> usize {
        let (_, most) = self.workers();
        self.buffer.unwrap_or(most.saturating_mul(Self::BUFFER_PER_WORKER)) as usize
    }

    /// How many workers warming makes.
    pub(crate) fn warm(&self) -> u32 {
        match self.kind {
            Kind::Static => self.size.max(1),
            Kind::Inline => u32::from(self.warm_start),
            Kind::Lazy | Kind::Adaptive if self.warm_start => self.size.min(self.max_size),
            Kind::Lazy | Kind::Adaptive => 0,
        }
    }

    /// How many workers outlive their idle timeout.
    pub(crate) fn kept(&self) -> u32 {
        if self.kind == Kind::Adaptive { self.warm() } else { 0 }
    }
}
