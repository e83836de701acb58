//! Ways to give a call clean memory (decision 0011).

use crate::cells::Cells;
use crate::entries::{HELLO, moon};
use crate::run::each;
use crate::{Group, Key, Run, Side, Unit};
use perilune_cell::Cell;
use perilune_value::args_to_msgpack;
use std::cell::RefCell;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "clean.reset_us",
        Unit::Micros,
        "a call in a used cell, and its memory made the image's again, p50",
    ),
    Key::new("clean.fresh_us", Unit::Micros, "a fresh cell from the image, a call, and its end, p50"),
    Key::new("clean.reload_us", Unit::Micros, "a fresh cell, loading the entry, a call, and its end, p50"),
    Key::new("clean.none_us", Unit::Micros, "a call in a used cell as it is, p50"),
];

/// Calls of one side in a row.
const CALLS: usize = 200;

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let cells = Cells::new(64)?;
    let thread = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let args = args_to_msgpack(&moon());
    let image = thread.block_on(cells.image(HELLO))?;
    let call = |cell: &mut Cell| anyhow::Ok(thread.block_on(cell.run("main", &args, None))?);
    let used = RefCell::new(thread.block_on(cells.from_image(&image))?);
    let kept = RefCell::new(thread.block_on(cells.from_image(&image))?);
    let reset = || {
        let mut cell = used.borrow_mut();
        call(&mut cell)?;
        anyhow::ensure!(cell.reset(&image), "this machine cannot clean used cells");
        Ok(())
    };
    let fresh = || call(&mut thread.block_on(cells.from_image(&image))?).map(drop);
    let reload = || call(&mut thread.block_on(cells.loaded(HELLO))?).map(drop);
    let none = || call(&mut kept.borrow_mut());
    let [reset, fresh, reload, none] = run.interleave(
        "clean",
        [
            Side::new("reset", || each(CALLS, reset)),
            Side::new("fresh", || each(CALLS, fresh)),
            Side::new("reload", || each(CALLS, reload)),
            Side::new("none", || each(CALLS, none)),
        ],
    )?;
    run.record("clean.reset_us", reset.p50(), Some(reset.spread()))?;
    run.record("clean.fresh_us", fresh.p50(), Some(fresh.spread()))?;
    run.record("clean.reload_us", reload.p50(), Some(reload.spread()))?;
    run.record("clean.none_us", none.p50(), Some(none.spread()))
}
