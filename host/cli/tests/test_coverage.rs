//! `perilune test --coverage`: which lines of Lua ran.

mod support;

use insta::assert_snapshot;
use support::{App, Ended, timeless};

const LIBRARY: &str = "local M = {}

function M.sign(n)
  if n > 0 then
    return 1
  elseif n < 0 then
    return -1
  end
  return 0
end

function M.each(list)
  return coroutine.wrap(function()
    for _, item in ipairs(list) do
      coroutine.yield(item)
    end
    print('the end')
  end)
end

return M
";

/// A library that is imported, a function that is called, one that dies, one that nobody calls.
const COVERED: &str = r#"
namespace: app
entries:
  - {name: lib, kind: library.lua, source: file://lib.lua}
  - name: called
    kind: function.lua
    limits: {cpu: 50ms}
    method: main
    source: |
      return function(n)
        if n == 1 then
          return 'one'
        end
        while true do end
      end
  - {name: never, kind: function.lua, method: main, source: "return function() return 1 end"}
  - {name: proc, kind: process.lua, method: main, source: file://proc.lua, modules: [time]}
  - name: lines
    kind: function.lua
    meta: {type: test}
    method: main
    modules: [funcs, time]
    imports: {lib: app:lib}
    source: |
      local lib, funcs = require("lib"), require("funcs")
      return function()
        assert(lib.sign(3) == 1)
        local first = lib.each({"a", "b"})
        assert(first() == "a")
        assert(funcs.call("app:called", 1) == "one")
        assert(funcs.call("app:proc") == 2)
      end
  - name: zero
    kind: function.lua
    meta: {type: test}
    method: main
    modules: [funcs]
    imports: {lib: app:lib}
    source: |
      local lib, funcs = require("lib"), require("funcs")
      return function()
        assert(lib.sign(0) == 0)
        local _, err = funcs.call("app:called", 2)
        assert(err:kind() == errors.TIMEOUT)
      end
"#;

const PROCESS: &str = "local function main()
  local sum = 0
  local task = coroutine.spawn(function()
    sum = sum + 2
  end)
  require('time').sleep('1ms')
  return sum
end

return {
  main = main,
  other = function()
    return 3
  end,
}
";

fn covered() -> App {
    App::new(COVERED, &[("lib.lua", LIBRARY), ("proc.lua", PROCESS)])
}

#[test]
fn coverage_counts_libraries_functions_processes_and_coroutines_line_by_line() {
    let app = covered();
    let ended = app.run(&["test", "--coverage", "--lcov", "out.info"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_snapshot!(timeless(&ended.stdout));
    let lcov = std::fs::read_to_string(app.path().join("out.info")).expect("it was written");
    assert_snapshot!(lcov);
}

#[test]
fn the_numbers_are_the_same_however_many_run_at_once() {
    let lcov = |jobs: &str| {
        let app = covered();
        assert_eq!(app.run(&["test", "--coverage", "--lcov", "out.info", "--jobs", jobs]).code, 0);
        std::fs::read_to_string(app.path().join("out.info")).expect("it was written")
    };
    assert_eq!(lcov("1"), lcov("4"));
}

#[test]
fn less_coverage_than_asked_for_is_a_failure() {
    let Ended { code, stderr, .. } = covered().run(&["test", "--coverage", "--min", "90"]);
    assert_eq!(code, 1);
    assert_snapshot!(stderr);
    assert_eq!(covered().run(&["test", "--coverage", "--min", "50"]).code, 0);
}
