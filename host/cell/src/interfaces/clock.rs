//! `perilune:cell/clock`: what the time is, and the calendar of the host's zone.

use super::wit::clock;
use crate::CellState;
use perilune_time::{Civil, Fields, Instant, Zone};

impl clock::Host for CellState {
    fn now(&mut self) -> wasmtime::Result<clock::Instant> {
        Ok(instant_to_wit(self.host.now()))
    }

    fn cpu(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(self.age().as_nanos()).unwrap_or(u64::MAX))
    }

    fn to_civil(&mut self, seconds: i64, utc: bool) -> wasmtime::Result<Option<clock::Civil>> {
        let zone = if utc { Zone::utc() } else { self.host.zones().local() };
        Ok(Instant::new(seconds, 0).ok().map(|at| civil_to_wit(zone.civil(at))))
    }

    fn from_civil(&mut self, fields: clock::Fields, dst: Option<bool>) -> wasmtime::Result<Option<i64>> {
        let (zone, fields) = (self.host.zones().local(), fields_from_wit(fields));
        let at = match dst {
            Some(dst) => zone.instant_with_dst(&fields, dst),
            None => zone.instant(&fields),
        };
        Ok(at.ok().map(Instant::seconds))
    }
}

/// An instant on its way into the guest.
pub fn instant_to_wit(at: Instant) -> clock::Instant {
    clock::Instant { seconds: at.seconds(), nanoseconds: at.nanoseconds() }
}

/// The calendar's fields as the guest gave them.
pub fn fields_from_wit(fields: clock::Fields) -> Fields {
    Fields {
        year: fields.year,
        month: fields.month,
        day: fields.day,
        hour: fields.hour,
        minute: fields.minute,
        second: fields.second,
        nanosecond: fields.nanosecond,
    }
}

/// A date and time on its way into the guest.
pub fn civil_to_wit(civil: Civil) -> clock::Civil {
    clock::Civil {
        year: civil.year,
        month: civil.month,
        day: civil.day,
        hour: civil.hour,
        minute: civil.minute,
        second: civil.second,
        weekday: civil.weekday,
        year_day: civil.year_day,
        offset: civil.offset,
        abbreviation: civil.abbreviation,
        is_dst: civil.is_dst,
    }
}
