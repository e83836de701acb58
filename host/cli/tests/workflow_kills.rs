//! A host that is killed at any moment loses no workflow, and runs none twice.

#![cfg(unix)]

mod control_support;
mod support;

use control_support::Operated;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Kills. Each host has begun three workflows, and goes on with those of the hosts before.
const ROUNDS: u32 = 200;

const YAML: &str = "
version: '1.0'
namespace: app
entries:
  - {name: workflows, kind: workflow.host, lifecycle: {auto_start: true}}
  - {name: db, kind: db.sql.sqlite, file: './effects.db'}
  - {name: work, kind: workflow.lua, source: 'file://work.lua', modules: [workflow, funcs, time], meta: {temporal: {workflow: {worker: workflows}}}}
  - {name: effect, kind: function.lua, source: 'file://effect.lua', method: main, modules: [workflow, sql]}
  - {name: main, kind: process.lua, source: 'file://main.lua', method: main, meta: {command: {name: main}}}
  - {name: check, kind: function.lua, source: 'file://check.lua', method: main, modules: [sql, json]}
";

const WORK: &str = "local workflow, funcs, time = require('workflow'), require('funcs'), require('time')
return { main = function(name)
  local sum = 0
  for step = 1, 3 do
    local both = { funcs.async('app:effect', name, step), funcs.async('app:effect', name, step + 10) }
    time.sleep('1ms')
    for _, call in ipairs(both) do sum = sum + call:response():receive():data() end
  end
  return sum + process.inbox():receive():payload():data()
end }";

/// What is done is done once: the key is the same for all attempts.
const EFFECT: &str = "return function(name, step)
  local db = assert(require('sql').get('app:db'))
  assert(db:execute('CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, name TEXT, step INTEGER)'))
  local key = require('workflow').activity().idempotency_key
  assert(db:execute('INSERT OR IGNORE INTO effects VALUES (?, ?, ?)', { key, name, step }))
  return step
end";

/// Begins three workflows.
const MAIN: &str = "return function(round)
  local function begin(name)
    return process.with_options({ ['workflow.id'] = name, ['workflow.id_reuse_policy'] = 'reject_duplicate' })
  end
  for one = 1, 3 do
    local name = 'r' .. round .. '-' .. one
    local pid, problem = begin(name):with_message('more', 100):spawn('app:work', 'app:workflows', name)
    assert(pid or problem:kind() == 'AlreadyExists', problem)
  end
  print('ready')
  process.events():receive()
end";

const CHECK: &str = "return function()
  local db = assert(require('sql').get('app:db'))
  local rows = assert(db:query('SELECT name, count(*) AS done, sum(step) AS sum FROM effects GROUP BY name'))
  return rows
end";

#[test]
fn kills_at_random_moments_lose_nothing() {
    let files = [("work.lua", WORK), ("effect.lua", EFFECT), ("main.lua", MAIN), ("check.lua", CHECK)];
    let mut app = Operated::of(YAML, &files);
    let seed =
        std::env::var("PERILUNE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand_seed);
    println!("PERILUNE_SEED={seed}");
    let mut random = seed;
    for round in 0..ROUNDS {
        app.start_by(&["run", "main", &round.to_string()]);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The moment is what is tried: anything between the start and the end of what was begun.
        std::thread::sleep(Duration::from_micros((random >> 33) % 30_000));
        app.kill();
    }
    // The last host finishes what all others have begun.
    app.start_by(&["run", "main", &ROUNDS.to_string()]);
    app.until_done(3 * (ROUNDS as usize + 1));
    let listed = app.json(&["workflow", "list", "--limit", "1000", "--json"]);
    let runs = listed[0]["runs"].as_array().expect("runs are a list");
    let ids: BTreeSet<_> = runs.iter().map(|run| run["workflow_id"].to_string()).collect();
    assert_eq!((runs.len(), ids.len()), (603, 603), "none is missing, none has run twice");
    app.kill();
    let done = app.json(&["call", "app:check"]);
    let done = done.as_array().expect("rows are a list");
    assert_eq!(done.len(), 603);
    for row in done {
        assert_eq!((&row["done"], &row["sum"]), (&6.into(), &42.into()), "{row}");
    }
    for id in ["r0-1", "r100-2", "r199-3"] {
        let replayed = app.ask(&["workflow", "replay", id]);
        assert_eq!(replayed.code, 0, "{id}: {}{}", replayed.stdout, replayed.stderr);
    }
}

fn rand_seed() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
