//! Module `time`: interface `time` of `wit/` over crate `perilune-time`.

use crate::durable;
use crate::bindings::time::{self, Parsed};
use perilune_cell::interfaces::{
    civil_to_wit,
    clock_types::{Civil, Fields, Instant as WitInstant},
    failure_to_wit, fields_from_wit, instant_to_wit,
    types::Failure as WitFailure,
};
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_time::{Instant, Location, TimeError, Zone, duration};
use std::time::Duration;
use wasmtime::component::HasSelf;

/// Calendar, zones, layouts, durations and waiting.
pub const MODULE: Module = Module {
    name: "time",
    summary: "Instants, calendars, zones and durations; sleep, timers and tickers.",
    classes: &[Class::Time, Class::Workflow],
    link: |linker| time::add_to_linker::<_, HasSelf<_>>(linker, |state| state),
};

/// What a function returns: a trap, or the value or failure that Lua sees.
type Answer<T> = wasmtime::Result<Result<T, WitFailure>>;

fn answer<T>(result: Result<T, TimeError>) -> Answer<T> {
    Ok(result.map_err(|error| failure_to_wit(error.into())))
}

fn instant(at: WitInstant) -> Result<Instant, TimeError> {
    Instant::new(at.seconds, at.nanoseconds.into())
}

fn location(place: time::Location) -> Location {
    Location { name: place.name, offset: place.offset }
}

fn location_to_wit(location: Location) -> time::Location {
    time::Location { name: location.name, offset: location.offset }
}

fn zone(cell: &CellState, place: time::Location) -> Result<Zone, TimeError> {
    cell.host.zones().zone(&location(place))
}

impl time::Host for CellState {
    fn load_location(&mut self, name: String) -> Answer<time::Location> {
        answer(self.host.zones().load(&name).map(location_to_wit))
    }

    fn fixed_zone(&mut self, name: String, offset: i64) -> Answer<time::Location> {
        answer(Location::fixed(&name, offset).map(location_to_wit))
    }

    fn to_civil(&mut self, seconds: i64, place: time::Location) -> Answer<Civil> {
        let civil = |at| Ok(civil_to_wit(zone(self, place)?.civil(at)));
        answer(Instant::new(seconds, 0).and_then(civil))
    }

    fn from_civil(&mut self, fields: Fields, place: time::Location) -> Answer<WitInstant> {
        let at = zone(self, place).and_then(|zone| zone.instant(&fields_from_wit(fields)));
        answer(at.map(instant_to_wit))
    }

    fn format(&mut self, at: WitInstant, place: time::Location, layout: Vec<u8>) -> Answer<Vec<u8>> {
        let write = |at| perilune_time::format(at, &zone(self, place)?, &layout);
        answer(instant(at).and_then(write))
    }

    fn parse(&mut self, layout: Vec<u8>, text: Vec<u8>, place: Option<time::Location>) -> Answer<Parsed> {
        let place = place.map(|place| zone(self, place)).transpose();
        let read = |place: Option<Zone>| {
            perilune_time::parse(&layout, &text, place.as_ref(), &self.host.zones().local())
        };
        let parsed = place.and_then(read);
        answer(parsed.map(|(at, place)| Parsed { at: instant_to_wit(at), place: location_to_wit(place) }))
    }

    fn truncate(&mut self, at: WitInstant, unit: i64) -> Answer<WitInstant> {
        answer(instant(at).and_then(|at| at.truncate(unit)).map(instant_to_wit))
    }

    fn round(&mut self, at: WitInstant, unit: i64) -> Answer<WitInstant> {
        answer(instant(at).and_then(|at| at.round(unit)).map(instant_to_wit))
    }

    fn parse_duration(&mut self, text: Vec<u8>) -> Answer<i64> {
        answer(duration::parse(&text))
    }

    fn format_duration(&mut self, nanoseconds: i64) -> wasmtime::Result<String> {
        Ok(duration::format(nanoseconds))
    }

    fn start_sleep(&mut self, nanoseconds: i64) -> wasmtime::Result<Ticket> {
        let delay = Duration::from_nanos(nanoseconds.try_into().unwrap_or(0));
        match durable::of(self).map(|durable| durable.sleep(delay)) {
            Some(sleep) => self.tickets.start_signal(sleep),
            None => self.tickets.start_signal(tokio::time::sleep(delay)),
        }
    }
}
