//! Messages that nobody will read: those that wait on the host, and those that a script took and did not read.

use perilune::Letters;
use perilune_tests::App;

const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host}
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [time, funcs]}
  - {name: spins, kind: function.lua, source: 'file://spins.lua', method: main, limits: {cpu: 20ms}}
  - {name: reads, kind: process.lua, source: 'file://reads.lua', method: main}
  - {name: spin, kind: process.lua, source: 'file://spin.lua', method: main, limits: {cpu: 10s}}
";

/// Takes whatever comes, reads one message of the topic `go`, and ends as that says.
const READS: &str = "return function(parent)
  local go = process.listen('go')
  if parent then process.send(parent, 'ready') end
  local how = go:receive()
  if how == 'fail' then error('as told') end
  if how == 'upgrade' then process.upgrade('app:reads') end
  return how
end";

/// Takes what has come and computes for ever.
const SPIN: &str = "return function(parent)
  process.listen('begin'):receive()
  process.send(parent, 'took')
  process.listen('go'):receive()
  process.send(parent, 'spins')
  while true do end
end";

/// Sends itself messages, takes them and computes for ever.
const SPINS: &str = "return function()
  local go = process.listen('go')
  for _, topic in ipairs({ 'lost', 'go' }) do process.send(process.pid(), topic) end
  go:receive()
  while true do end
end";

async fn letters(body: &str) -> Letters {
    let main = format!("local time = require('time')\nreturn function()\n{body}\nend");
    let app = App::new(&[
        ("app.yaml", ENTRIES),
        ("main.lua", &main),
        ("reads.lua", READS),
        ("spin.lua", SPIN),
        ("spins.lua", SPINS),
    ]);
    app.main().await;
    app.runtime.overview().dead_letters
}

fn topics(letters: &Letters) -> Vec<&str> {
    letters.last.iter().map(|letter| letter.topic.as_str()).collect()
}

#[tokio::test]
async fn what_a_process_took_and_did_not_read_is_a_dead_letter() {
    for (how, read) in [("fail", 1), ("done", 1)] {
        let body = format!(
            "local ready = process.listen('ready')
             local pid = process.spawn_monitored('app:reads', 'app:host', process.pid())
             ready:receive()
             for i = 1, 5 do process.send(pid, 'lost', i) end
             process.cancel(pid)
             process.send(pid, 'go', '{how}')
             process.send(pid, 'late', ('x'):rep(1000))
             process.events():receive()"
        );
        let letters = letters(&body).await;
        assert_eq!((letters.total, read), (6, 1), "{how}: {letters:?}");
        assert_eq!(topics(&letters), ["lost", "lost", "lost", "lost", "lost", "late"]);
        assert!(letters.last[5].bytes > 1000 && letters.last[5].from.starts_with("{functions|"));
    }
}

#[tokio::test]
async fn an_upgrade_loses_none_and_the_end_counts_each_once() {
    let letters = letters(
        "local ready = process.listen('ready')
         local pid = process.spawn_monitored('app:reads', 'app:host', process.pid())
         ready:receive()
         for i = 1, 3 do process.send(pid, 'lost', i) end
         process.send(pid, 'go', 'upgrade')
         process.send(pid, 'go', 'done')
         process.events():receive()",
    )
    .await;
    assert_eq!((letters.total, topics(&letters)), (3, vec!["lost"; 3]));
}

#[tokio::test]
async fn what_a_call_did_not_read_is_a_dead_letter_and_events_are_none() {
    let letters = letters(
        "local pid = process.spawn_monitored('app:reads', 'app:host')
         process.send(process.pid(), 'to myself', 1)
         process.terminate(pid)
         time.sleep('5ms')",
    )
    .await;
    assert_eq!((letters.total, topics(&letters)), (1, vec!["to myself"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_was_in_a_cell_that_was_ended_the_number_is_known() {
    let letters = letters(
        "local took, spins = process.listen('took'), process.listen('spins')
         local pid = process.with_context({}):with_message('taken', 1):with_message('taken', 2)
           :with_message('begin'):spawn_monitored('app:spin', 'app:host', process.pid())
         took:receive()
         process.send(pid, 'go')
         spins:receive()
         process.send(pid, 'waits', 1)
         process.terminate(pid)
         process.events():receive()",
    )
    .await;
    assert_eq!((letters.total, topics(&letters)), (4, vec!["go", "waits"]), "what it may have read counts");
}

/// Nobody can tell what of it was read.
#[tokio::test]
async fn what_an_ended_cell_was_given_for_its_last_turn_is_dead() {
    let of_a_process = letters(
        "local took, spins = process.listen('took'), process.listen('spins')
         local pid = process.with_context({}):with_message('begin')
           :spawn_monitored('app:spin', 'app:host', process.pid())
         for i = 1, 3 do process.send(pid, 'lost', i) end
         process.send(pid, 'go')
         took:receive()
         spins:receive()
         process.terminate(pid)
         process.events():receive()",
    )
    .await;
    assert_eq!((of_a_process.total, topics(&of_a_process)), (5, vec!["begin", "lost", "lost", "lost", "go"]));
    let of_a_call = letters("assert(require('funcs').call('app:spins') == nil)").await;
    assert_eq!((of_a_call.total, topics(&of_a_call)), (2, vec!["lost", "go"]));
}

#[tokio::test]
async fn a_huge_topic_is_not_kept() {
    let letters = letters(
        "local pid = process.spawn_monitored('app:reads', 'app:host')
         assert(process.send(pid, ('ü'):rep(1000000), 1))
         process.send(pid, 'go', 'done')
         process.events():receive()",
    )
    .await;
    assert_eq!(letters.last[0].topic.chars().count(), 200);
    assert!(letters.last[0].bytes < 100, "a topic is no payload");
}
