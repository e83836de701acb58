//! What a cell takes that waits.

use crate::cells::Cells;
use crate::entries::HELLO;
use crate::machine::field;
use crate::{Group, Key, Run, Unit};
use anyhow::Context;
use perilune_cell::{Cell, Image};
use perilune_value::args_to_msgpack;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "cell.idle_kib",
        Unit::KiB,
        "anonymous resident memory per live cell that served a call and has been idle for a second, at 10,000",
    )
    .at_most(48.0),
    Key::new("cell.ready_kib", Unit::KiB, "the same for a cell that was just made clean"),
    Key::new("cell.waiting_kib", Unit::KiB, "the same for a cell in the middle of a call, which waits"),
];

const CELLS: u32 = 10_000;

/// Waits until the cell is given up.
const WAITING: &str = "return { main = function() return channel.new(0):receive() end }";

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let ready = each_of_many(HELLO, |cell, image| {
        anyhow::ensure!(cell.reset(image), "this machine cannot clean used cells");
        Ok(())
    })?;
    run.record("cell.ready_kib", ready, None)?;
    let idle = each_of_many(HELLO, |cell, image| {
        cell.rest(image);
        Ok(())
    })?;
    run.record("cell.idle_kib", idle, None)?;
    // The deadlock of a cell that nobody else knows ends its call, with everything that it had in use.
    let waiting = each_of_many(WAITING, |_, _| Ok(()))?;
    run.record("cell.waiting_kib", waiting, None)
}

/// Makes many cells that serve a call each, and says how many KiB one takes after `rest`.
fn each_of_many(source: &str, rest: impl Fn(&mut Cell, &Image) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let cells = Cells::new(CELLS)?;
    let thread = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let args = args_to_msgpack(&crate::entries::moon());
    let image = thread.block_on(cells.image(source))?;
    let before = resident()?;
    let mut live = Vec::with_capacity(CELLS as usize);
    for _ in 0..CELLS {
        let mut cell = thread.block_on(cells.from_image(&image))?;
        // Whether it returns or waits in vain is the entry's matter.
        drop(thread.block_on(cell.run("main", &args, None)));
        rest(&mut cell, &image)?;
        live.push(cell);
    }
    Ok(resident()?.saturating_sub(before) as f64 / f64::from(CELLS))
}

/// KiB, without what was freed before: memory that is used again would not show.
pub(super) fn resident() -> anyhow::Result<u64> {
    give_back();
    let shown = field("/proc/self/status", "RssAnon").context("only Linux tells what a process takes")?;
    Ok(shown.trim_end_matches(" kB").parse()?)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: it takes no pointers, and allocators may be called from any thread.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
