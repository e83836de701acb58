//! Time zones: by name, fixed, and the host's own.

use crate::{Civil, Fields, Instant, TimeError};
use jiff::{
    Timestamp,
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use std::sync::LazyLock;

/// Longest name of a fixed zone in bytes. A layout may repeat it, so it bounds what formatting makes of a short layout.
pub const MAX_NAME: usize = 64;

/// Widest offset of a fixed zone in seconds: what a text can say at most, `+24:60:60`.
pub const MAX_OFFSET: i32 = 90_060;

/// The name of the host's own zone.
const LOCAL: &str = "Local";
const UTC: &str = "UTC";

/// Only the bundled database is read, so that results do not depend on the machine.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Names a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// `UTC`, `Local`, a name of the time zone database, or what a fixed zone calls itself.
    pub name: String,
    /// Seconds east of UTC, for a fixed zone only.
    pub offset: Option<i32>,
}

impl Location {
    /// A zone that never changes its offset. An empty name shows as the offset itself.
    ///
    /// # Errors
    ///
    /// A name longer than [`MAX_NAME`], an offset beyond [`MAX_OFFSET`].
    pub fn fixed(name: &str, offset: i64) -> Result<Location, TimeError> {
        let seconds =
            i32::try_from(offset).ok().filter(|seconds| (-MAX_OFFSET..=MAX_OFFSET).contains(seconds));
        match seconds {
            None => Err(TimeError::OffsetOutOfRange(offset)),
            Some(_) if name.len() > MAX_NAME => Err(TimeError::LongZoneName(name.len())),
            seconds => Ok(Location { name: name.to_owned(), offset: seconds }),
        }
    }

    fn named(name: &str) -> Location {
        Location { name: name.to_owned(), offset: None }
    }
}

/// The zones that a cell can reach.
#[derive(Clone, Debug)]
pub struct Zones {
    local: TimeZone,
}

impl Zones {
    /// With the machine's zone as the local one; UTC where it has none.
    pub fn system() -> Zones {
        let local = TimeZone::try_system().unwrap_or(TimeZone::UTC);
        Zones { local }
    }

    /// With UTC as the local zone, so that nothing depends on the machine.
    pub fn utc() -> Zones {
        Zones { local: TimeZone::UTC }
    }

    /// With a zone of the database as the local one.
    ///
    /// # Errors
    ///
    /// [`TimeError::UnknownZone`].
    pub fn with_local(name: &str) -> Result<Zones, TimeError> {
        Ok(Zones { local: get(name)? })
    }

    /// The location of that name, spelled as the database spells it.
    ///
    /// # Errors
    ///
    /// [`TimeError::EmptyZone`] and [`TimeError::UnknownZone`].
    pub fn load(&self, name: &str) -> Result<Location, TimeError> {
        match name {
            "" => Err(TimeError::EmptyZone),
            UTC | LOCAL => Ok(Location::named(name)),
            name => Ok(Location::named(get(name)?.iana_name().unwrap_or(name))),
        }
    }

    /// The zone that a location names. It comes from the sandbox, so nothing in it is trusted.
    ///
    /// # Errors
    ///
    /// Whatever [`Zones::load`] and [`Location::fixed`] refuse.
    pub fn zone(&self, location: &Location) -> Result<Zone, TimeError> {
        let rules = match (location.offset, location.name.as_str()) {
            (Some(offset), name) => {
                Location::fixed(name, offset.into())?;
                Rules::Fixed(offset)
            }
            (None, "") => return Err(TimeError::EmptyZone),
            (None, UTC) => Rules::Fixed(0),
            (None, LOCAL) => return Ok(self.local()),
            (None, name) => Rules::Table(get(name)?),
        };
        Ok(Zone { location: location.clone(), rules })
    }

    /// The host's own zone.
    pub fn local(&self) -> Zone {
        Zone { location: Location::named(LOCAL), rules: Rules::Table(self.local.clone()) }
    }
}

fn get(name: &str) -> Result<TimeZone, TimeError> {
    /// Far above the longest name in the database; it keeps messages short.
    const LONGEST: usize = 255;
    let unknown = || TimeError::UnknownZone(crate::error::excerpt(name.as_bytes()));
    if name.len() > LONGEST { Err(unknown()) } else { DATABASE.get(name).map_err(|_| unknown()) }
}

/// A time zone with its rules at hand.
#[derive(Clone, Debug)]
pub struct Zone {
    location: Location,
    rules: Rules,
}

#[derive(Clone, Debug)]
enum Rules {
    Fixed(i32),
    Table(TimeZone),
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Zone {
        Zone { location: Location::named(UTC), rules: Rules::Fixed(0) }
    }

    /// What names it.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// What its clocks show.
    pub fn civil(&self, at: Instant) -> Civil {
        match &self.rules {
            Rules::Fixed(offset) => {
                Civil { abbreviation: self.location.name.clone(), ..Civil::at_offset(at, *offset) }
            }
            Rules::Table(zone) => {
                let info = zone.to_offset_info(timestamp(at.seconds().into()));
                Civil {
                    abbreviation: info.abbreviation().to_owned(),
                    is_dst: info.dst().is_dst(),
                    ..Civil::at_offset(at, info.offset().seconds())
                }
            }
        }
    }

    /// The instant at which its clocks show `fields`.
    ///
    /// Where a clock set back shows them twice, or one set forward never does, the offset is the one that holds
    /// `offset(fields read as UTC)` before: the same choice as Go's `time.Date`.
    ///
    /// # Errors
    ///
    /// [`TimeError::OutOfRange`].
    pub fn instant(&self, fields: &Fields) -> Result<Instant, TimeError> {
        let shown = fields.as_nanos();
        let seconds = shown.div_euclid(1_000_000_000);
        let guess = self.offset(seconds);
        let offset = self.offset(seconds - i128::from(guess));
        Instant::from_nanos(shown - i128::from(offset) * 1_000_000_000)
    }

    /// Like [`Zone::instant`], but of two instants that show the same fields, the one in (or out of) daylight saving time.
    ///
    /// # Errors
    ///
    /// [`TimeError::OutOfRange`].
    pub fn instant_with_dst(&self, fields: &Fields, dst: bool) -> Result<Instant, TimeError> {
        let usual = self.instant(fields)?;
        let Rules::Table(zone) = &self.rules else { return Ok(usual) };
        // Near the ends of what `jiff` covers no zone changes its clocks, so the usual answer stands.
        let Ok(shown) = Timestamp::from_nanosecond(fields.as_nanos()) else { return Ok(usual) };
        let shown = TimeZone::UTC.to_datetime(shown);
        let AmbiguousOffset::Fold { before, after } = zone.to_ambiguous_timestamp(shown).offset() else {
            return Ok(usual);
        };
        let candidates = [before, after].map(|offset| {
            Instant::from_nanos(fields.as_nanos() - i128::from(offset.seconds()) * 1_000_000_000)
        });
        candidates.into_iter().flatten().find(|at| self.civil(*at).is_dst == dst).map_or(Ok(usual), Ok)
    }

    /// The offset that an abbreviation such as `CEST` stands for in this zone: the one in effect when clocks show
    /// `shown` (Unix seconds as if they were UTC), or else any that the zone has had, the nearest first.
    pub(crate) fn offset_of(&self, abbreviation: &str, shown: i64) -> Option<i32> {
        /// Changes looked at: since the first ones no zone of the database has had as many; later ones repeat.
        const PAST: usize = 256;
        const FUTURE: usize = 64;
        let Rules::Table(zone) = &self.rules else {
            return (self.location.name == abbreviation).then(|| self.offset(shown.into()));
        };
        let centre = timestamp(shown.into());
        // What a zone began with is the result of no change.
        let [now, first] = [centre, Timestamp::MIN].map(|at| {
            let info = zone.to_offset_info(at);
            std::iter::once((info.offset(), info.abbreviation() == abbreviation))
        });
        let changes = zone.preceding(centre).take(PAST).chain(zone.following(centre).take(FUTURE));
        let changes = changes.map(|change| (change.offset(), change.abbreviation() == abbreviation));
        let mut nearest = None;
        for (offset, named) in now.chain(changes).chain(first) {
            let offset = offset.seconds();
            if named && nearest != Some(offset) {
                let then = timestamp(i128::from(shown) - i128::from(offset));
                if zone.to_offset_info(then).abbreviation() == abbreviation {
                    return Some(offset);
                }
                nearest = nearest.or(Some(offset));
            }
        }
        nearest
    }

    fn offset(&self, seconds: i128) -> i32 {
        match &self.rules {
            Rules::Fixed(offset) => *offset,
            Rules::Table(zone) => zone.to_offset(timestamp(seconds)).seconds(),
        }
    }
}

/// The nearest time that `jiff` covers, which is all but the first and last two days of ours.
fn timestamp(seconds: i128) -> Timestamp {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let seconds = seconds.clamp(first.into(), last.into()) as i64;
    Timestamp::from_second(seconds).expect("invariant: clamped to the range")
}
