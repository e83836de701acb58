//! `perilune workflow`: durable workflows of an application that runs, and of one that does not.

#![cfg(unix)]

mod control_support;
mod support;

use control_support::Operated;
use insta::assert_snapshot;
use serde_json::Value;
use support::{App, Ended};

const YAML: &str = "
version: '1.0'
namespace: shop
entries:
  - {name: workflows, kind: workflow.host, lifecycle: {auto_start: true}}
  - {name: order, kind: workflow.lua, source: 'file://order.lua', modules: [workflow, funcs], meta: {temporal: {workflow: {worker: workflows}}}}
  - {name: price, kind: function.lua, source: 'return function(count) return count * 5 end', method: main}
  - {name: main, kind: process.lua, source: 'file://main.lua', method: main, meta: {command: {name: main}}}
  - {name: serve, kind: process.lua, source: 'return function() print(\"ready\") process.events():receive() end', method: main, meta: {command: {name: serve}}}
";

const ORDER: &str = "local workflow, funcs = require('workflow'), require('funcs')
return { main = function(count)
  local state = 'new'
  workflow.query('state', function() return state end)
  state = 'priced at ' .. funcs.call('shop:price', count)
  workflow.update('rename', function(name) state = name return 'renamed' end)
  local message = process.inbox():receive()
  return message:topic() .. ' ' .. message:payload():data()
end }";

const MAIN: &str = "return function()
  for i = 1, 2 do
    assert(process.with_options({ ['workflow.id'] = 'order-' .. i, ['workflow.memo'] = { customer = 'ada' } })
      :spawn('shop:order', 'shop:workflows', i))
  end
  print('ready')
  process.events():receive()
end";

/// Two workflows on an application that runs.
fn started() -> Operated {
    let mut operated = Operated::of(YAML, &[("order.lua", ORDER), ("main.lua", MAIN)]);
    operated.start();
    for order in ["order-1", "order-2"] {
        while !done(&operated.ask(&["workflow", "query", order, "state"])).contains("priced") {}
    }
    operated
}

fn done(ended: &Ended) -> &str {
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    &ended.stdout
}

fn failed(ended: &Ended) -> &str {
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
    &ended.stderr
}

/// Ids of runs, times and moments are different each time.
fn masked(text: &str) -> String {
    let is_id = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    let is_moment =
        |word: &str| word.len() >= 24 && word.contains('T') && word.trim_end_matches(',').ends_with('Z');
    let is_time = |word: &str| {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
        unit.len() < word.len() && (unit == "ms" || unit == "s")
    };
    let lines = text.lines().map(|line| {
        let words = line.split_whitespace().map(|word| match word {
            word if is_id(word) => "RUN",
            word if is_moment(word) => "MOMENT",
            word if is_time(word) => "TIME",
            word => word,
        });
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn list_shows_runs_the_newest_first() {
    let app = started();
    assert_snapshot!(masked(done(&app.ask(&["workflow", "list"]))));
    let listed: Value =
        serde_json::from_str(done(&app.ask(&["workflow", "list", "--prefix", "order-2", "--json"])))
            .expect("it is JSON");
    assert_eq!(listed[0]["host"], "shop:workflows");
    assert_eq!(listed[0]["runs"][0]["workflow_id"], "order-2");
    assert_eq!(listed[0]["runs"].as_array().map(Vec::len), Some(1));
    let none = app.ask(&["workflow", "list", "--status", "failed"]);
    assert!(!done(&none).contains("order"), "{}", none.stdout);
}

#[test]
fn show_prints_the_history_with_the_line_of_each_event() {
    let app = started();
    let shown = masked(done(&app.ask(&["workflow", "show", "order-2"])));
    assert_snapshot!(shown);
    assert!(shown.contains("shop:order:5"), "{shown}");
}

#[test]
fn queries_updates_and_signals_reach_the_workflow() {
    let app = started();
    assert_eq!(done(&app.ask(&["workflow", "query", "order-1", "state"])), "\"priced at 5\"\n");
    assert_eq!(done(&app.ask(&["workflow", "update", "order-1", "rename", "\"blue\""])), "\"renamed\"\n");
    assert_eq!(done(&app.ask(&["workflow", "query", "{shop:workflows|order-1}", "state"])), "\"blue\"\n");
    done(&app.ask(&["workflow", "signal", "order-1", "ship", "3"]));
    // The end of a run comes with the step that the signal causes.
    let shown = std::iter::repeat_with(|| app.ask(&["workflow", "show", "order-1"]).stdout)
        .find(|shown| shown.contains("WorkflowExecutionCompleted"))
        .expect("it ends");
    assert!(shown.contains("result=ship 3"), "{shown}");
}

#[test]
fn a_workflow_is_cancelled_or_terminated() {
    let app = started();
    done(&app.ask(&["workflow", "terminate", "order-1", "no more"]));
    assert!(done(&app.ask(&["workflow", "show", "order-1"])).contains("reason=no more"));
    done(&app.ask(&["workflow", "cancel", "order-2", "changed my mind"]));
    assert!(done(&app.ask(&["workflow", "show", "order-2"])).contains("reason=changed my mind"));
    assert_snapshot!(failed(&app.ask(&["workflow", "terminate", "order-1"])), @"error: the workflow `order-1` is closed (terminated) [NotFound]");
}

#[test]
fn an_application_that_does_not_run_is_looked_into() {
    let mut app = started();
    app.kill();
    assert!(done(&app.ask(&["workflow", "list"])).contains("order-1"));
    assert!(done(&app.ask(&["workflow", "show", "order-1"])).contains("ActivityTaskCompleted"));
    assert_snapshot!(failed(&app.ask(&["workflow", "signal", "order-1", "ship", "1"])));
    // It goes on where it was.
    app.start_by(&["run", "serve"]);
    assert_eq!(done(&app.ask(&["workflow", "query", "order-2", "state"])), "\"priced at 10\"\n");
}

#[test]
fn replay_names_the_first_difference() {
    let mut app = started();
    let file = app.write("order-1.json", done(&app.ask(&["workflow", "show", "order-1", "--json"])));
    app.kill();
    assert_snapshot!(done(&app.ask(&["workflow", "replay", "order-1"])));
    assert!(done(&app.ask(&["workflow", "replay", &file])).contains("does what the history says"));
    app.write("order.lua", &ORDER.replace("'shop:price'", "'shop:cost'"));
    assert_snapshot!(failed(&app.ask(&["workflow", "replay", "order-1"])));
}

/// A server's history, and code that asks for another activity: which event that is, nobody tells.
#[test]
fn replay_of_a_servers_history_says_what_differs() {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tests/workflows/histories");
    let yaml = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: workflow.host}
  - {name: work, kind: workflow.lua, source: 'file://work.lua', modules: [workflow, funcs, time, uuid], meta: {temporal: {workflow: {worker: host}}}}
";
    let kitchen = std::fs::read_to_string(format!("{FOLDER}/kitchen.lua")).expect("it is there");
    let other = kitchen.replace("'app:add', 1, 2", "'app:sum', 1, 2");
    let app = App::new(yaml, &[("work.lua", &other)]);
    std::fs::copy(format!("{FOLDER}/worker.json"), app.path().join("run.json")).expect("it is copied");
    let replayed = app.run(&["--log-level", "off", "workflow", "replay", "run.json"]);
    assert_eq!(replayed.code, 1);
    assert_snapshot!(replayed.stderr, @r"
    error: [WF_NONDETERMINISM] run.json: code and history differ
      expected  what the history has
      got       [TMPRL1100] Nondeterminism error: Activity type of scheduled event 'app:add' does not match activity type of activity command 'app:sum'
    help: bring back the old code, or guard the change with `workflow.version`
    ");
}

#[test]
fn what_is_no_history_is_refused() {
    let app = Operated::of(YAML, &[("order.lua", ORDER), ("main.lua", MAIN)]);
    for (name, text) in
        [("empty.json", ""), ("other.json", "{\"events\": 1}"), ("newer.json", "{\"perilune_history\": 9}")]
    {
        let file = app.write(name, text);
        let problem = app.ask(&["workflow", "replay", &file]);
        assert_snapshot!(name, failed(&problem));
    }
    assert_snapshot!(failed(&app.ask(&["workflow", "show", "nobody"])).replace(&app.directory(), "DIR"));
}

#[test]
fn an_application_without_workflows_says_so() {
    let app =
        Operated::of("version: '1.0'\nnamespace: app\nentries: [{name: some, kind: registry.entry}]\n", &[]);
    assert_snapshot!(failed(&app.ask(&["workflow", "list"])), @"error: the application has no workflow.host and no temporal.worker [NotFound]");
    let usage = app.ask(&["workflow", "list", "--status", "asleep"]);
    assert_eq!(usage.code, 2, "{}", usage.stderr);
}

const LONG: &str = "a history is getting long: continue as new (`process.upgrade`) when `workflow.info().continue_as_new_suggested` says so";

#[test]
fn a_run_that_goes_on_in_another_names_it() {
    let order = "return { main = function(count)
        if count == 1 then process.upgrade('shop:order', 2) end
        process.inbox():receive()
      end }";
    let mut app = Operated::of(YAML, &[("order.lua", order), ("main.lua", MAIN)]);
    app.start();
    let runs = || -> Value {
        let list = app.ask(&["workflow", "list", "--prefix", "order-1", "--json"]);
        serde_json::from_str::<Value>(done(&list)).expect("it is JSON")[0]["runs"].clone()
    };
    let runs = std::iter::repeat_with(runs)
        .find(|runs| runs.as_array().is_some_and(|runs| runs.len() == 2))
        .expect("it goes on");
    let [new, old] = [0, 1].map(|at| runs[at]["run_id"].as_str().expect("an id"));
    let shown = app.ask(&["workflow", "show", "--run", old, "order-1"]);
    assert!(done(&shown).contains(&format!("\nnext run    {new}\n")), "{}", shown.stdout);
}

/// A warning long before the history is too long to go on, with the way out.
#[test]
fn a_history_that_gets_long_is_in_the_log_with_the_way_out() {
    let order = "local funcs = require('funcs')
        return { main = function(steps)
          for i = 1, steps do funcs.call('shop:price', i) end
        end }";
    let main = "return function()
        assert(process.spawn_monitored('shop:order', 'shop:workflows', 3400))
        assert(not process.events():receive().result.error)
        print('over')
      end";
    let app = App::new(YAML, &[("order.lua", order), ("main.lua", main)]);
    let Ended { code, stdout, stderr } = app.run(&["run", "main"]);
    assert_eq!((code, stdout.as_str()), (0, "over\n"), "{stderr}");
    let warnings: Vec<_> = stderr.lines().filter(|line| line.contains("WF_HISTORY_LONG")).collect();
    assert!(matches!(warnings[..], [one] if one.contains(LONG)), "{stderr}");
}

/// Also where the program is started in the application's folder.
#[test]
fn a_store_lies_where_its_path_says() {
    let yaml = YAML.replace("kind: workflow.host,", "kind: workflow.host, path: flows.db,");
    let app = App::new(&yaml, &[("order.lua", ORDER), ("main.lua", "return function() print('over') end")]);
    let Ended { code, stdout, stderr } = app.run(&["run", "main"]);
    assert_eq!((code, stdout.as_str()), (0, "over\n"), "{stderr}");
    assert!(app.path().join("flows.db").is_file());
}
