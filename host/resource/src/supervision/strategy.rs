//! Who starts again when a member of a group has ended, and how often that may happen.
//!
//! | strategy | first these stop, the last one first | then these start, in their order |
//! |---|---|---|
//! | `one_for_one` | – | the one that ended |
//! | `one_for_all` | all others | all |
//! | `rest_for_one` | those after it | it and those after it |
//!
//! The restart that makes more than `max_restarts` in `within` does not happen: the group has failed. Whether an end asks for a
//! restart is said by the member's own policy (`restart.rs`); a member with `never` that was stopped stays so.

use serde::Deserialize;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// Who starts again with a member that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Nobody else.
    #[default]
    OneForOne,
    /// All others.
    OneForAll,
    /// Those that started after it.
    RestForOne,
}

impl Strategy {
    /// The positions of the members that start again when the one at a position has ended.
    pub fn affected(self, ended: usize, members: usize) -> Range<usize> {
        match self {
            Strategy::OneForOne => ended..ended + 1,
            Strategy::OneForAll => 0..members,
            Strategy::RestForOne => ended..members,
        }
    }
}

/// How many restarts are too many: the field `restart` of a group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Intensity {
    /// As many are allowed,
    pub max_restarts: u32,
    /// in any such time.
    #[serde(deserialize_with = "crate::kind::duration")]
    pub within: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Intensity { max_restarts: 3, within: Duration::from_secs(5) }
    }
}

/// The restarts that count.
#[derive(Clone, Debug, Default)]
pub struct Recent(VecDeque<Duration>);

impl Recent {
    /// Counts a restart at a time since the group started; tells whether it may happen.
    pub fn allows(&mut self, intensity: &Intensity, now: Duration) -> bool {
        while self.0.front().is_some_and(|then| now.saturating_sub(*then) >= intensity.within) {
            self.0.pop_front();
        }
        let has_room = self.0.len() < usize::try_from(intensity.max_restarts).unwrap_or(usize::MAX);
        if has_room {
            self.0.push_back(now);
        }
        has_room
    }
}
