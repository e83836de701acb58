//! Which lines of Lua run, as `RuntimeBuilder::coverage` counts them.

use perilune::{Coverage, Limits};
use perilune_tests::{App, Definition, TIGHT, limit};
use std::sync::Arc;

fn watched(entries: &[Definition<'_>]) -> (App, Arc<Coverage>) {
    let coverage = Arc::<Coverage>::default();
    let app =
        App::entries_with(entries, |builder| builder.coverage(coverage.clone()).limits(Limits { ..TIGHT }));
    (app, coverage)
}

/// The lines of an entry as `line:count`.
fn lines(coverage: &Coverage, entry: &str) -> String {
    let all = coverage.lines();
    let lines = all.get(entry).into_iter().flatten().map(|(line, count)| format!("{line}:{count}"));
    lines.collect::<Vec<_>>().join(" ")
}

/// Sources whose call returns nothing, and what is known of their lines after one call.
#[rustfmt::skip]
const SHAPES: &[(&str, &str, &str)] = &[
    ("comments and blank lines", "-- a\n\nlocal x = 1\n--[[\nb\n]]\nreturn function() end", "3:1 7:1"),
    ("an empty function on lines of its own", "return function()\nend", "2:1"),
    ("what stands after a return", "return function()\nif true then\nreturn\nend\nend", "3:1 5:1"),
    ("branches", "return function(n)\nif n then\nn = 1\nelseif n == nil then\nn = 2\nelse\nn = 3\nend\nend",
     "2:1 3:0 4:1 5:1 7:0 9:1"),
    ("a condition on several lines", "return function(n)\nlocal x = n and\nn.a or\nnot\nn\nend", "2:1 3:0 5:1 6:1"),
    ("for", "return function()\nfor i = 1, 0 do\nprint(i)\nend\nfor i = 1, 2 do\nlocal x = i\nend\nend", "2:1 3:0 5:1 6:1 8:1"),
    ("for over nothing, with its iterator below", "return function()\nfor k in\npairs({})\ndo\nprint(k)\nend\nend", "3:1 4:1 5:0 6:1 7:1"),
    ("while", "return function()\nlocal n = 0\nwhile n < 2 do\nn = n + 1\nend\nwhile n < 0 do\nn = 0\nend\nend", "2:1 3:1 4:1 6:1 7:0 9:1"),
    ("repeat and goto", "return function()\nlocal n = 0\nrepeat\nn = n + 1\nif n == 1 then goto next end\nn = 5\n::next::\nuntil n > 3\nend",
     "2:1 4:1 5:1 6:1 8:1 9:1"),
    ("a call on several lines", "return function()\nprint(\n1,\n2\n)\nend", "2:1 3:1 5:1 6:1"),
    ("variable arguments", "return function(...)\nlocal n = select('#', ...)\nreturn (n > 0 and\n...)\nend", "2:1 3:1 4:1 5:1"),
    ("a function that nobody calls", "local function f()\nreturn 1\nend\nreturn function() end", "2:0 3:1 4:1"),
    ("a coroutine", "return function()\nlocal co = coroutine.wrap(function()\ncoroutine.yield(1)\nreturn 2\nend)\nco()\nend",
     "2:1 3:1 4:0 5:1 6:1 7:1"),
    ("a coroutine of the scheduler", "return function()\nlocal ch = channel.new()\ncoroutine.spawn(function()\nch:send(1)\nend)\nch:receive()\nend",
     "2:1 3:1 4:1 5:1 6:1 7:1"),
    ("an error that is caught", "return function()\npcall(function()\nerror('x')\nprint(1)\nend)\nend", "2:1 3:1 4:0 5:1 6:1"),
    ("a variable to be closed", "return function()\nlocal c <close> = setmetatable({}, {__close = function()\nlocal x = 1\nend})\nend",
     "2:1 3:1 4:1 5:1"),
    ("a metamethod", "local t = setmetatable({}, {__add = function(a)\nreturn 1\nend})\nreturn function()\nlocal x = t + 1\nend",
     "1:1 2:1 3:1 5:1 6:1"),
    ("a table on several lines", "return {\nother = function()\nreturn 1\nend,\nmain = function() end,\n}", "1:1 3:0 4:1 5:1 6:1"),
];

#[tokio::test]
async fn lines_with_code_can_run_and_those_that_ran_are_known() {
    for (what, source, expected) in SHAPES {
        let (app, coverage) = watched(&[("main", "function", "", source)]);
        app.main().await;
        assert_eq!(lines(&coverage, "app:main"), *expected, "{what}");
    }
}

#[tokio::test]
async fn a_line_counts_once_for_each_cell_and_what_an_image_holds_once_for_the_image() {
    let source = "local top = 1\nreturn function(again)\nfor _ = 1, 3 do\ntop = top + 1\nend\nend";
    let (app, coverage) = watched(&[("main", "function", "", source)]);
    assert_eq!(lines(&coverage, "app:main"), "1:0 3:0 4:0 6:0", "what was only checked has not run");
    for _ in 0..3 {
        app.main().await;
    }
    assert_eq!(lines(&coverage, "app:main"), "1:1 3:3 4:3 6:1");
}

#[tokio::test]
async fn lines_of_what_is_imported_called_and_spawned_count() {
    let (app, coverage) = watched(&[
        ("lib", "library", "", "return function()\nreturn 2\nend"),
        (
            "double",
            "function",
            "imports: {lib: app:lib}",
            "return function(n)\nreturn n * require('lib')()\nend",
        ),
        (
            "work",
            "process",
            "modules: [time]",
            "return function()\nrequire('time').sleep('1ms')\nreturn 1\nend",
        ),
        (
            "main",
            "function",
            "modules: [funcs]",
            "return function()\nlocal funcs = require('funcs')\nassert(funcs.call('app:double', 4) == 8)\nassert(funcs.call('app:work') == 1)\nend",
        ),
    ]);
    app.main().await;
    assert_eq!(lines(&coverage, "app:lib"), "2:1 3:1");
    assert_eq!(lines(&coverage, "app:double"), "2:1 3:1");
    assert_eq!(lines(&coverage, "app:work"), "2:1 3:1 4:1");
}

#[tokio::test]
async fn what_a_cell_did_before_a_limit_ended_it_counts() {
    let source = "return function()\nlocal n = 1\nwhile true do\nn = n + 1\nend\nend";
    let (app, coverage) = watched(&[("main", "function", "", source)]);
    assert_eq!(limit(&app.main_fails().await), Some("cpu"));
    assert_eq!(lines(&coverage, "app:main"), "2:1 4:1 6:1");
}

/// Code that looks at itself through errors, whose messages come from the instructions around them.
#[rustfmt::skip]
const MESSAGES: &[&str] = &[
    "local t = nil\nreturn t.field",
    "local t = {}\nreturn t.a.b",
    "return undefined_function(1)",
    "local t = {}\nif t.x then t = 1 end\nreturn t.name:method()",
    "for i = 1, 'x' do end",
    "for k in 5 do end",
    "local a = {}\nreturn a .. 'x'",
    "local a = {}\nreturn 1 + a",
    "return #nil",
    "return {} < {}",
    "return math.floor('x')",
    "local f = coroutine.wrap(function() error({}) end)\nreturn f()",
    "error('plain')",
    "error(errors.new({message = 'made', kind = 'Conflict'}))",
];

#[tokio::test]
async fn messages_and_stacks_are_the_same_when_lines_are_watched() {
    for body in MESSAGES {
        let source = format!(
            "return function()\nlocal function inner()\n{body}\nend\nlocal x = inner()\nreturn x\nend"
        );
        let entries = [("main", "function", "", source.as_str())];
        let (app, _) = watched(&entries);
        assert_eq!(app.main_fails().await, App::entries(&entries).main_fails().await, "{body}");
    }
}
