//! `perilune test`: which tests run, and what is said of them.

mod support;

use insta::assert_snapshot;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};
use serde_json::Value;
use std::net::TcpListener;
use support::{App, timeless};

/// A test of each outcome.
const YAML: &str = r#"
version: "1.0"
namespace: app
meta: {type: test}
entries:
  - {name: passes, kind: function.lua, method: main, source: "return function() return 1 end"}
  - {name: says_nothing, kind: function.lua, method: main, source: "return function() end"}
  - name: raises
    kind: function.lua
    method: main
    modules: [logger]
    source: |
      local function check(sum)
        -- a note
        assert(sum == 3, "the sum is " .. sum)
      end

      return function()
        print("two and", 2)
        require("logger"):warn("that will not do", {sum = 4})
        check(4)
      end
  - name: returns_an_error
    kind: function.lua
    method: main
    source: return function() return nil, errors.new({message = "no such order", kind = "NotFound"}) end
  - {name: returns_false, kind: function.lua, method: main, source: "return function() return false end"}
  - name: waits
    kind: function.lua
    meta: {timeout: 50ms, tags: [slow, net]}
    method: main
    modules: [time]
    source: return function() require("time").sleep("1h") end
  - name: spins
    kind: function.lua
    meta: {tags: [slow]}
    limits: {cpu: 50ms}
    method: main
    source: return function() while true do end end
  - name: later
    kind: function.lua
    meta: {skip: needs a printer, suite: paper, tags: [net]}
    method: main
    source: return function() error("it ran") end
  - {name: helper, kind: library.lua, source: "return {}"}
  - {name: plain, kind: function.lua, meta: {type: handler}, method: main, source: "error('it ran')"}
"#;

fn app() -> App {
    App::new(YAML, &[])
}

fn entry(yaml: &str) -> App {
    App::new(&format!("namespace: app\nmeta: {{type: test}}\nentries:\n{yaml}"), &[])
}

// Which tests run.

#[test]
fn each_outcome_is_shown_and_failures_say_where_and_what_was_printed() {
    let ended = app().run(&["test"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert_snapshot!(timeless(&ended.stdout));
}

#[test]
fn an_application_whose_tests_pass_ends_well() {
    let ended = app().run(&["test", "passes", "says_nothing", "later"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_snapshot!(timeless(&ended.stdout));
}

#[test]
fn filters_are_parts_of_ids_suites_and_tags_or_patterns_of_the_whole() {
    for (filters, expected) in [
        (&["retur"][..], &["app:returns_an_error", "app:returns_false"][..]),
        (&["slow"], &["app:spins", "app:waits"]),
        (&["passes", "paper"], &["app:passes", "app:later"]),
        (&["app:*s"], &["app:passes", "app:raises", "app:spins", "app:waits"]),
        (&["?pins"], &["app:spins"]),
        (&["net"], &["app:waits", "app:later"]),
    ] {
        let ended = app().run(&[&["test", "--list"], filters].concat());
        let ids: Vec<_> = ended.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!((ended.code, &ids[..]), (0, expected), "{filters:?}");
    }
}

#[test]
fn the_list_shows_suites_and_what_is_skipped() {
    assert_snapshot!(app().run(&["test", "--list"]).stdout);
    let json = app().run(&["test", "--list", "--json", "later"]).stdout;
    assert_eq!(json, "[{\"id\":\"app:later\",\"skip\":\"needs a printer\",\"suite\":\"paper\"}]\n");
}

#[test]
fn an_application_without_tests_is_a_failure_that_says_what_a_test_is() {
    let ended = App::new("{namespace: app, name: data, kind: registry.entry}", &[]).run(&["test"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert_snapshot!(ended.stderr);
}

#[test]
fn a_filter_that_no_test_fits_is_a_failure() {
    let ended = app().run(&["test", "absent", "x*"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert_snapshot!(ended.stderr);
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &["--jobs", "0"][..],
        &["--timeout", "soon"],
        &["--lcov", "x.info"],
        &["--coverage", "--min", "101"],
        &["--list", "--coverage"],
        &["a[b"],
    ] {
        let ended = app().run(&[&["test"], args].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}");
        assert!(!ended.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn metadata_that_means_nothing_is_refused_with_the_entry_and_the_field() {
    let mut said = String::new();
    for meta in ["order: first", "skip: 7", "timeout: soon", "suite: [a]"] {
        let app = entry(&format!(
            "  - {{name: odd, kind: function.lua, method: main, meta: {{{meta}}}, source: 'return print'}}\n"
        ));
        let ended = app.run(&["test"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{meta}");
        said.push_str(&ended.stderr);
    }
    assert_snapshot!(said);
}

#[test]
fn help() {
    let help = app().run(&["test", "--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    assert_snapshot!(help.stdout);
}

// How they run.

#[test]
fn nothing_that_a_test_leaves_reaches_another() {
    let test = |name: &str, pool: &str| {
        format!(
            "  - {{name: {name}, kind: function.lua, method: main, imports: {{count: app:count}}, {pool}
     source: \"return function() assert(require('count')() == 1) end\"}}\n"
        )
    };
    let count = "  - {name: count, kind: library.lua, source: 'local n = 0 return function() n = n + 1 return n end'}\n";
    let app =
        entry(&[test("a", ""), test("b", ""), test("c", "pool: {type: inline},"), count.to_owned()].concat());
    let ended = app.run(&["test"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

/// Each of the two waits for the other.
const RENDEZVOUS: &str = r#"
  - {name: board, kind: store.memory, meta: {type: store}}
  - {name: one, kind: function.lua, method: one, modules: [store, time], source: &meet "
      local function meet(mine, other)
        local board = assert(require('store').get('app:board'))
        assert(board:set(mine, true))
        while not board:has(other) do require('time').sleep('2ms') end
      end
      return {one = function() meet('one', 'two') end, two = function() meet('two', 'one') end}"}
  - {name: two, kind: function.lua, method: two, modules: [store, time], source: *meet}
"#;

#[test]
fn tests_run_side_by_side() {
    let ended = entry(RENDEZVOUS).run(&["test", "--jobs", "2"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn with_one_job_they_run_one_after_the_other_and_a_time_limit_ends_those_that_wait() {
    let ended = entry(RENDEZVOUS).run(&["test", "--jobs", "1", "--timeout", "1s"]);
    // The second finds what the first has left.
    assert_eq!(ended.code, 1);
    assert_snapshot!(timeless(&ended.stdout));
}

#[test]
fn those_that_say_the_same_in_serial_never_run_at_once() {
    let alone = RENDEZVOUS
        .replace("{name: one,", "{name: one, meta: {serial: board, timeout: 1s},")
        .replace("{name: two,", "{name: two, meta: {serial: board},");
    let ended = entry(&alone).run(&["test", "--jobs", "2"]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("1 passed, 1 failed"), "{}", ended.stdout);
    let free = alone.replacen("serial: board, timeout: 1s", "serial: other", 1);
    assert_eq!(entry(&free).run(&["test", "--jobs", "2"]).code, 0);
}

#[test]
fn tests_begin_in_the_order_of_their_suites_and_numbers() {
    let test = |name: &str, meta: &str| {
        format!(
            "  - {{name: {name}, kind: function.lua, meta: {{{meta}}}, method: main, source: 'return function() end'}}\n"
        )
    };
    let app = entry(
        &[
            test("a", "order: 2"),
            test("b", "order: 1.5"),
            test("c", "suite: zoo"),
            test("d", "suite: zoo, order: -1"),
            test("e", ""),
        ]
        .concat(),
    );
    let ended = app.run(&["test"]);
    assert_eq!(ended.code, 0);
    assert_snapshot!(timeless(&ended.stdout));
}

#[test]
fn fail_fast_runs_nothing_after_the_first_failure() {
    let ended = app().run(&["test", "--fail-fast", "--jobs", "1", "passes", "raises", "returns"]);
    let last = timeless(ended.stdout.lines().last().unwrap_or_default());
    assert_eq!((ended.code, last.as_str()), (1, "1 passed, 1 failed, 2 unfinished in [n] ms"));
}

#[test]
fn tests_call_other_entries_and_what_those_print_is_theirs() {
    let app = entry(
        r#"
  - name: calls
    kind: function.lua
    method: main
    modules: [funcs]
    source: |
      return function()
        assert(require("funcs").call("app:double", 4) == 9)
      end
  - {name: double, kind: function.lua, meta: {type: handler}, method: main, source: "return function(n) print('doubling', n) return 2 * n end"}
"#,
    );
    let ended = app.run(&["test"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert_snapshot!(timeless(&ended.stdout));
}

#[test]
fn services_of_the_application_run_meanwhile_unless_they_are_left_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let yaml = format!(
        "  - {{name: web, kind: http.service, meta: {{type: server}}, addr: '{address}', lifecycle: {{auto_start: true}}}}
  - {{name: fine, kind: function.lua, method: main, source: 'return function() end'}}\n"
    );
    let ended = entry(&yaml).run(&["test"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    let last: Vec<_> = ended.stderr.lines().rev().take(2).collect();
    assert!(last[1].contains("[AlreadyExists]"), "{}", ended.stderr);
    assert_eq!(last[0], "help: tests that need no services run with `--no-services`");
    assert_eq!(entry(&yaml).run(&["test", "--no-services"]).code, 0);
}

#[test]
fn an_entry_that_ends_the_program_fails_the_run() {
    let app = entry(
        "  - {name: quits, kind: function.lua, method: main, modules: [system, time], source: \"return function() require('system').exit(0) require('time').sleep('1h') end\"}\n",
    );
    let ended = app.run(&["test"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "error: an entry ended the program with `system.exit(0)`\n")
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_what_runs_and_reports_what_was_known() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let app = entry(
        "  - {name: quick, kind: function.lua, meta: {order: 1}, method: main, source: 'return function() end'}
  - {name: endless, kind: function.lua, meta: {order: 2}, method: main, modules: [time], source: \"return function() require('time').sleep('1h') end\"}
  - {name: waiting, kind: function.lua, meta: {order: 3}, method: main, source: 'return function() end'}\n",
    );
    let mut child = app
        .command(&["test", "--jobs", "1", "--junit", "out.xml"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut first = String::new();
    lines.read_line(&mut first).expect("it writes UTF-8");
    assert!(first.starts_with("ok    app:quick"), "{first}");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("it writes UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_snapshot!(timeless(&rest));
    let report = junit(&app);
    assert_eq!(report.errors, 2);
    for name in ["endless", "waiting"] {
        let TestCaseStatus::NonSuccess { message, .. } = &case(&report, "app", name).status else {
            panic!("{name} has not ended")
        };
        assert_eq!(message.as_ref().map(|text| text.as_str()), Some("the run ended before this test did"));
    }
}

// What is written.

fn junit(app: &App) -> Report {
    let file = std::fs::File::open(app.path().join("out.xml")).expect("it was written");
    Report::deserialize(std::io::BufReader::new(file)).expect("it is JUnit XML")
}

fn case<'a>(report: &'a Report, suite: &str, name: &str) -> &'a TestCase {
    let suite = report.test_suites.iter().find(|each| each.name.as_str() == suite).expect("the suite");
    suite.test_cases.iter().find(|case| case.name.as_str() == name).expect("the test")
}

#[test]
fn junit_has_suites_durations_messages_and_output() {
    let app = app();
    assert_eq!(app.run(&["test", "--junit", "out.xml"]).code, 1);
    let report = junit(&app);
    assert_eq!((report.tests, report.failures, report.errors), (8, 3, 2));
    assert!(report.time.is_some());
    let names: Vec<_> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["app", "paper"]);

    assert!(matches!(case(&report, "app", "passes").status, TestCaseStatus::Success { .. }));
    let raises = case(&report, "app", "raises");
    assert_eq!(raises.classname.as_ref().map(|name| name.as_str()), Some("app"));
    let output = raises.system_out.as_ref().map(|text| text.as_str());
    assert_eq!(output, Some("two and 2\nwarn: that will not do sum=4 (app:raises:8)"));
    let TestCaseStatus::NonSuccess { kind, message, ty, description, .. } = &raises.status else {
        panic!("it failed: {:?}", raises.status);
    };
    assert_eq!(*kind, NonSuccessKind::Failure);
    assert_eq!(message.as_ref().map(|text| text.as_str()), Some("app:raises:3: the sum is 4"));
    assert_eq!(ty.as_ref().map(|text| text.as_str()), Some("Internal"));
    assert!(description.as_ref().is_some_and(|stack| stack.as_str().contains("app:raises:9: in")));
    for name in ["waits", "spins"] {
        let status = &case(&report, "app", name).status;
        let is_error = matches!(status, TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. });
        assert!(is_error, "{name}: {status:?}");
    }
    let TestCaseStatus::Skipped { message, .. } = &case(&report, "paper", "later").status else {
        panic!("it is skipped");
    };
    assert_eq!(message.as_ref().map(|text| text.as_str()), Some("needs a printer"));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let ended = app().run(&["test", "passes", "--junit", "no/such/folder.xml"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("error: no/such/folder.xml cannot be written: "), "{}", ended.stderr);
}

#[test]
fn json_has_all_of_it_in_one_document() {
    let ended = app().run(&["test", "--json", "passes", "raises", "later", "--coverage"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    let mut document: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
    document["milliseconds"] = 0.into();
    for test in document["tests"].as_array_mut().expect("a list") {
        test["milliseconds"] = 0.into();
    }
    assert_snapshot!(serde_json::to_string_pretty(&document).expect("it is JSON"));
}

// Which lines ran.

#[test]
fn a_test_that_fails_fails_the_same_way_when_its_lines_are_watched() {
    let plain = app().run(&["test", "raises", "returns"]);
    let watched = app().run(&["test", "raises", "returns", "--coverage"]);
    assert!(watched.stdout.len() > plain.stdout.len());
    assert!(timeless(&watched.stdout).starts_with(&timeless(&plain.stdout)));
}
