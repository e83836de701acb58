//! What a cell takes that waits.

use crate::cells::Cells;
use crate::entries::HELLO;
use crate::machine::field;
use crate::{Group, Key, Run, Unit};
use anyhow::Context;
use perilune_value::args_to_msgpack;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[Key::new(
    "cell.idle_kib",
    Unit::KiB,
    "anonymous resident memory per live cell that has served a call, at 10,000",
)
.at_most(48.0)];

const CELLS: u32 = 10_000;

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let cells = Cells::new(CELLS)?;
    let thread = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let args = args_to_msgpack(&crate::entries::moon());
    let before = resident()?;
    let mut live = Vec::with_capacity(CELLS as usize);
    for _ in 0..CELLS {
        let mut cell = thread.block_on(cells.loaded(HELLO))?;
        thread.block_on(cell.run("main", &args, None))?;
        live.push(cell);
    }
    let grown = resident()?.saturating_sub(before);
    run.record("cell.idle_kib", grown as f64 / f64::from(CELLS), None)
}

/// KiB.
fn resident() -> anyhow::Result<u64> {
    let shown = field("/proc/self/status", "RssAnon").context("only Linux tells what a process takes")?;
    Ok(shown.trim_end_matches(" kB").parse()?)
}
