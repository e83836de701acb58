//! A row found by its key from Lua, beside the same by rusqlite without a sandbox around it.

use crate::entries::{block, function, threads};
use crate::run::micros;
use crate::{Group, Key, Run, Side, Unit};
use anyhow::{Context, ensure};
use perilune::{Allowed, Entry, EntryId, Runtime, Value};
use rusqlite::Connection;
use std::path::Path;
use std::time::Instant;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "floor.sql_point_query_us",
        Unit::Micros,
        "rusqlite directly: a row of three columns by its key, from a file of 10,000 rows, with a cached statement, p50",
    ),
    Key::new("sql.point_query_us", Unit::Micros, "the same by `db:query` in Lua, each of 100 in a call, p50"),
    Key::new("sql.point_query_over_floor", Unit::Ratio, "the ratio of the two p50").at_most(1.5),
    Key::new(
        "sql.call_with_a_query_us",
        Unit::Micros,
        "a call that finds the database and queries it once, p50",
    ),
];

const ROWS: i64 = 10_000;
const QUERY: &str = "SELECT id, name, price FROM items WHERE id = ?";

/// Queries of one sample on either side, and samples of a round.
const QUERIES: u32 = 100;
const SAMPLES: u32 = 20;

/// Goes through all rows in an order that no cache knows.
const STRIDE: i64 = 7_919;

const SOURCE: &str = "local sql = require('sql')
return { main = function(count, at)
  local db, total = sql.get('bench:db'), 0.0
  for i = 1, count do
    at = at * 7919 % 10000 + 1
    total = total + db:query('SELECT id, name, price FROM items WHERE id = ?', { at })[1].price
  end
  return total
end }";

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("perilune-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = compare(run, &folder);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn compare(run: &mut Run, folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("bench.db");
    drop(fill(&file)?);
    // A file of its own: connections of one process share the locks of theirs.
    let direct = fill(&folder.join("floor.db"))?;
    let mut at = 1;
    let mut next = move || {
        at = at * STRIDE % ROWS + 1;
        at
    };
    let floor = || {
        (0..SAMPLES)
            .map(|_| {
                let began = Instant::now();
                let mut total = 0.0;
                for _ in 0..QUERIES {
                    let mut statement = direct.prepare_cached(QUERY)?;
                    let (id, name, price) =
                        statement.query_row([next()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                    let (_, _): (i64, String) = std::hint::black_box((id, name));
                    total += f64::max(price, 0.0);
                }
                ensure!(total > 0.0, "every price is above zero");
                Ok(micros(began.elapsed() / QUERIES))
            })
            .collect()
    };

    let main = function("main", SOURCE)?
        .with_field("pool", block([("type", "inline")]))
        .with_field("modules", vec![Value::from("sql")]);
    let path = file.to_str().context("a path in UTF-8")?;
    let database = Entry::new(EntryId::new("bench", "db")?, "db.sql.sqlite").with_field("file", path);
    let allowed = Allowed { directories: vec![folder.to_owned()], ..Allowed::default() };
    let runtime = Runtime::builder().entries([main, database]).allow(allowed).build()?;
    let threads = threads(2)?;
    let queries_in_a_call = |count: u32| {
        // On this thread, as the other side: neither pays for waking another core.
        threads.block_on(async {
            let mut samples = Vec::new();
            for sample in 0..i64::from(SAMPLES) {
                let began = Instant::now();
                let args = [Value::Integer(count.into()), Value::Integer(sample * STRIDE % ROWS)];
                let total = runtime.call("bench:main", args).await?;
                ensure!(total.as_float().is_some_and(|total| total > 0.0), "every price is above zero");
                samples.push(micros(began.elapsed() / count));
            }
            anyhow::Ok(samples)
        })
    };

    let sides = [
        Side::new("rusqlite", floor),
        Side::new("lua", || queries_in_a_call(QUERIES)),
        Side::new("call", || queries_in_a_call(1)),
    ];
    let [floor, lua, call] = run.interleave("sql", sides)?;
    run.record("floor.sql_point_query_us", floor.p50(), Some(floor.spread()))?;
    run.record("sql.point_query_us", lua.p50(), Some(lua.spread()))?;
    let ratio = lua.over(&floor, 0.5);
    run.record("sql.point_query_over_floor", ratio.value, Some(ratio.spread))?;
    run.record("sql.call_with_a_query_us", call.p50(), Some(call.spread()))
}

/// A database as entries have it: with a write-ahead log, and checked references.
fn fill(file: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.execute_batch(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL);
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10000)
         INSERT INTO items SELECT x, 'item number ' || x, x * 0.25 FROM n;",
    )?;
    Ok(connection)
}
