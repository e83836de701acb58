//! What it takes to put a cell to sleep that waits for messages, and to wake it (decision 0023).

use crate::cells::Cells;
use crate::run::micros;
use crate::{Group, Key, Run, Side, Unit};
use perilune_cell::{Hibernated, Status};
use perilune_value::args_to_msgpack;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "hibernation.waiting_sleep_us",
        Unit::Micros,
        "putting a cell to sleep that waits in its inbox, p50",
    ),
    Key::new("hibernation.waiting_wake_us", Unit::Micros, "waking it, p50"),
    Key::new("hibernation.waiting_changed_kib", Unit::KiB, "what its memory differs in from its image"),
    Key::new("hibernation.waiting_kib", Unit::KiB, "what it takes asleep, everything included").at_most(6.0),
    Key::new(
        "hibernation.state_sleep_us",
        Unit::Micros,
        "putting one with 1,000 table entries to sleep, p50",
    ),
    Key::new("hibernation.state_wake_us", Unit::Micros, "waking it, p50"),
    Key::new("hibernation.state_changed_kib", Unit::KiB, "what its memory differs in from its image"),
    Key::new("hibernation.state_kib", Unit::KiB, "what it takes asleep, everything included"),
    Key::new(
        "hibernation.coroutines_sleep_us",
        Unit::Micros,
        "putting one with 10 waiting coroutines to sleep, p50",
    ),
    Key::new("hibernation.coroutines_wake_us", Unit::Micros, "waking it, p50"),
    Key::new("hibernation.coroutines_changed_kib", Unit::KiB, "what its memory differs in from its image"),
    Key::new("hibernation.coroutines_kib", Unit::KiB, "what it takes asleep, everything included"),
];

const WAITING: &str = "return { main = function() process.inbox():receive() end }";
const STATE: &str = "return { main = function()
    local state = {} for i = 1, 1000 do state['key ' .. i] = i * i end
    process.inbox():receive() return state
  end }";
const COROUTINES: &str = "return { main = function()
    for _ = 1, 10 do local ch = channel.new() coroutine.spawn(function() ch:receive() end) end
    process.inbox():receive()
  end }";

/// Cells of one side in a row.
const CELLS: usize = 50;

fn measure(run: &mut Run) -> anyhow::Result<()> {
    for (name, source) in [("waiting", WAITING), ("state", STATE), ("coroutines", COROUTINES)] {
        one(run, name, source)?;
    }
    Ok(())
}

fn one(run: &mut Run, name: &str, source: &str) -> anyhow::Result<()> {
    let cells = Cells::new(64)?;
    let thread = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let image = Arc::new(thread.block_on(cells.image(source))?);
    let asleep: RefCell<Vec<Hibernated>> = RefCell::default();
    let sleep = || {
        asleep.borrow_mut().clear();
        let mut samples = Vec::with_capacity(CELLS);
        for _ in 0..CELLS {
            let mut cell = thread.block_on(cells.from_image(&image))?;
            let status = thread.block_on(cell.start("main", &args_to_msgpack(&[])))?;
            anyhow::ensure!(matches!(status, Status::Waiting(_)), "it waits");
            let began = Instant::now();
            let hibernated = thread.block_on(cell.hibernate(&image));
            samples.push(micros(began.elapsed()));
            asleep.borrow_mut().push(hibernated.map_err(|_| anyhow::anyhow!("it cannot sleep"))?);
        }
        Ok(samples)
    };
    let wake = || {
        let mut samples = Vec::with_capacity(CELLS);
        for hibernated in asleep.borrow().iter() {
            let began = Instant::now();
            let cell = thread.block_on(cells.revive(hibernated))?;
            samples.push(micros(began.elapsed()));
            drop(cell);
        }
        Ok(samples)
    };
    let series =
        run.interleave(&format!("hibernation.{name}"), [Side::new("sleep", sleep), Side::new("wake", wake)])?;
    for (side, series) in ["sleep", "wake"].iter().zip(&series) {
        run.record(&format!("hibernation.{name}_{side}_us"), series.p50(), Some(series.spread()))?;
    }
    let asleep = asleep.borrow();
    let kib = |bytes: fn(&Hibernated) -> usize| {
        asleep.iter().map(bytes).sum::<usize>() as f64 / asleep.len() as f64 / 1024.0
    };
    run.record(&format!("hibernation.{name}_changed_kib"), kib(Hibernated::changed), None)?;
    run.record(&format!("hibernation.{name}_kib"), kib(Hibernated::bytes), None)
}
