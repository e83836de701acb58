//! Points in time, exact to the nanosecond.

use crate::TimeError;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// 0001-01-01T00:00:00Z, from which multiples of a unit are counted when rounding.
const YEAR_ONE: i128 = -62_135_596_800 * NANOS_PER_SECOND;

/// A point in time within the years -9999 to 9999 of UTC. The default is the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

impl Instant {
    /// -9999-01-01T00:00:00Z in Unix seconds.
    pub const FIRST_SECOND: i64 = -377_705_116_800;
    /// 9999-12-31T23:59:59Z in Unix seconds.
    pub const LAST_SECOND: i64 = 253_402_300_799;

    /// The instant `nanoseconds` after the Unix time `seconds`; both as the sandbox sends them, so nothing is trusted.
    ///
    /// # Errors
    ///
    /// [`TimeError::OutOfRange`].
    pub fn new(seconds: i64, nanoseconds: i64) -> Result<Instant, TimeError> {
        Self::from_nanos(i128::from(seconds) * NANOS_PER_SECOND + i128::from(nanoseconds))
    }

    /// Nanoseconds since the Unix epoch.
    pub fn from_nanos(nanos: i128) -> Result<Instant, TimeError> {
        let seconds = i64::try_from(nanos.div_euclid(NANOS_PER_SECOND)).map_err(|_| TimeError::OutOfRange)?;
        if !(Self::FIRST_SECOND..=Self::LAST_SECOND).contains(&seconds) {
            return Err(TimeError::OutOfRange);
        }
        Ok(Instant { seconds, nanoseconds: nanos.rem_euclid(NANOS_PER_SECOND) as u32 })
    }

    /// Seconds since the Unix epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds within that second.
    pub fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// Nanoseconds since the Unix epoch.
    pub fn as_nanos(self) -> i128 {
        i128::from(self.seconds) * NANOS_PER_SECOND + i128::from(self.nanoseconds)
    }

    /// The last multiple of `unit` nanoseconds since the year 1 that is not later. A unit of zero or less changes nothing.
    ///
    /// # Errors
    ///
    /// [`TimeError::OutOfRange`] where that multiple lies before the first instant.
    pub fn truncate(self, unit: i64) -> Result<Instant, TimeError> {
        Self::from_nanos(self.as_nanos() - self.beyond(unit))
    }

    /// The nearest multiple of `unit` nanoseconds since the year 1, the later one from the middle. A unit of zero or less
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`TimeError::OutOfRange`] where that multiple is no instant.
    pub fn round(self, unit: i64) -> Result<Instant, TimeError> {
        let beyond = self.beyond(unit);
        let step = if beyond * 2 < i128::from(unit) || beyond == 0 { 0 } else { i128::from(unit) };
        Self::from_nanos(self.as_nanos() - beyond + step)
    }

    /// How far past a multiple of `unit`.
    fn beyond(self, unit: i64) -> i128 {
        if unit <= 0 { 0 } else { (self.as_nanos() - YEAR_ONE).rem_euclid(i128::from(unit)) }
    }
}
