//! `perilune repl`: what is typed runs in the sandbox, and the session goes on.

mod support;

use std::io::Write;
use std::process::Stdio;
use support::{App, Ended, ended};

const YAML: &str = "
namespace: app
entries:
  - {name: words, kind: library.lua, source: 'return {greeting = function(name) return \"hello \" .. name end}', imports: {deep: 'app:deep'}}
  - {name: deep, kind: library.lua, source: 'return {level = 2}'}
  - {name: hello, kind: function.lua, source: 'file://hello.lua', method: main, modules: [json], imports: {phrases: 'app:words'}, limits: {memory: 16MiB, cpu: 100ms}}
  - {name: broken, kind: library.lua, source: 'error(\"it does not load\")'}
  - {name: data, kind: registry.entry, value: 1}
";

const HELLO: &str = "local phrases = require('phrases')
return {main = function(name) return phrases.greeting(name) end}";

fn app() -> App {
    App::new(YAML, &[("hello.lua", HELLO)])
}

fn typed(app: &App, args: &[&str], input: &str) -> Ended {
    let mut command = app.command(&[&["repl"], args].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    ended(child.wait_with_output().expect("it ends"))
}

/// What is shown for input without any mistake, outside of an application.
fn shown(input: &str) -> String {
    let folder = App::new("{}", &[]);
    let ended = typed(&folder, &[], input);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    ended.stdout
}

/// Exit code, what is shown, and what is said of the mistake.
fn failed(input: &str) -> (String, String) {
    let folder = App::new("{}", &[]);
    let ended = typed(&folder, &[], input);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    (ended.stdout, ended.stderr)
}

#[test]
fn expressions_show_their_values() {
    let input =
        "1 + 1\n2 / 2\n10 // 3, 1e300, -0.0\n'text\\n\\0\"'\nnil\n1 == 1, nil, 'x'\nmath.maxinteger\n{}\n";
    insta::assert_snapshot!(shown(input), @r#"
    2
    1.0
    3	1e+300	-0.0
    "text\n\x00\""
    nil
    true	nil	"x"
    9223372036854775807
    {}
    "#);
}

#[test]
fn statements_run_and_globals_stay() {
    assert_eq!(
        shown("x = 20\nfunction double(n) return 2 * n end\ndouble(x) + 2\nprint('printed', x)\n"),
        "42\nprinted 20\n"
    );
}

#[test]
fn locals_at_the_top_stay_for_the_next_input() {
    assert_eq!(
        shown("local a, b = 1, 2\nlocal function sum() return a + b end\nlocal c\na, sum(), c\n"),
        "1\t3\tnil\n"
    );
    assert_eq!(shown("do local hidden = 1 end\nhidden\n"), "nil\n");
}

#[test]
fn input_that_is_not_complete_goes_on_in_the_next_line() {
    assert_eq!(
        shown(
            "function f(n)\n  if n > 1 then\n    return 'many'\n  end\n  return 'one'\nend\nf(1), f(\n2)\nlong = [[a\nb]]\n#long\n"
        ),
        "\"one\"\t\"many\"\n3\n"
    );
}

#[test]
fn tables_are_shown_with_what_is_in_them() {
    let input = "{1, 2, {3, 'four'}, name = 'n', ['two words'] = true, [1.5] = 1, [10] = 2, ['end'] = 0}
t = {1}; t.self = t; t.deep = {up = t}
t
{('x'):rep(70), ('y'):rep(300), list = {1, 2, 3}}
long = {}; for i = 1, 150 do long[i] = i end
long
setmetatable({}, {__tostring = function() return 'its own text' end})
setmetatable({a = 1}, {__index = function() error('never asked') end, __pairs = function() error('nor this') end})
a = {}; b = a; for i = 1, 10 do b.next = {}; b = b.next end
a
";
    insta::assert_snapshot!("tables", shown(input));
}

#[test]
fn values_that_are_no_data_are_named() {
    let shown = shown("print\nfunction() end\ncoroutine.create(print)\nerrors.new('NotFound', 'gone')\n");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("function: ") && lines[1].starts_with("function: "), "{shown}");
    assert!(lines[2].starts_with("thread: "), "{shown}");
    assert_eq!(lines[3], "gone");
}

#[test]
fn the_first_error_ends_a_script_with_its_place() {
    insta::assert_snapshot!(failed("x = 1\nfunction f()\n  return nothing.here\nend\nf()\nprint('never')\n").1, @"
    error: stdin:3: attempt to index a nil value (global 'nothing') [Internal]
      stdin:3: in global f
      stdin:5: in a function
    ");
    insta::assert_snapshot!(failed("x = 1\n\nx = = 2\n").1, @"error: stdin:3: unexpected symbol near '=' [Invalid]");
    insta::assert_snapshot!(failed("error(errors.new('NotFound', 'gone'))\n").1, @"
    error: gone [NotFound]
      stdin:1: in a function
    ");
}

#[test]
fn a_script_that_ends_too_early_is_wrong() {
    assert_eq!(
        failed("x = 1\nfunction f()\n").1,
        "error: stdin ends before the input that begins in line 2 is complete\n"
    );
}

#[test]
fn limits_are_named() {
    insta::assert_snapshot!(failed("while true do end\n").1, @"
    error: session: one turn used more CPU time than `limits.cpu` allows (1s) [Timeout]
    ");
    insta::assert_snapshot!(failed("t = {}\nwhile true do t[#t + 1] = ('x'):rep(1e6) .. #t end\n").1, @"
    error: session: used more memory than `limits.memory` allows (64 MiB) [RateLimited]
    ");
}

#[test]
fn operations_wait_as_in_any_entry() {
    assert_eq!(
        shown("time.sleep('1ms')\nc = channel.new(1); c:send(5)\nc:receive()\njson.encode({1, 2})\n"),
        "true\n5\ttrue\n\"[1,2]\"\n".replace("true\n5", "5")
    );
}

#[test]
fn libraries_of_an_application_are_required_by_id_and_alias() {
    let ended = typed(
        &app(),
        &[],
        "require('app:words').greeting('you')\nrequire 'phrases' == require(\"app:words\")\nlocal d = require('deep')\nd.level\n",
    );
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (0, "\"hello you\"\ntrue\n2\n", "")
    );
}

#[test]
fn functions_of_an_application_are_called() {
    let ended = typed(&app(), &[], "funcs.call('app:hello', 'moon')\n");
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "\"hello moon\"\n", ""));
}

#[test]
fn what_cannot_be_required_says_why() {
    let error = |input: &str| typed(&app(), &[], input).stderr;
    insta::assert_snapshot!(error("require('app:nothing')\n"), @"error: no entry app:nothing [NotFound]");
    insta::assert_snapshot!(error("require('app:data')\n"), @"error: app:data is a registry.entry, which a session cannot load [Invalid]");
    insta::assert_snapshot!(error("require('app:broken')\n"), @"
    error: app:broken:1: it does not load [Internal]
      app:broken:1: in local run
    ");
    insta::assert_snapshot!(error("local n = 'app:' .. 'words'\nrequire(n)\n"), @r#"
    error: stdin:2: module 'app:words' not found: it is neither a module of this session nor code of the application that is named literally, as in require("app:words") [Internal]
      stdin:2: in a function
    "#);
}

#[test]
fn a_session_takes_the_place_of_an_entry() {
    let input =
        ".limits\n.modules\nentry.main('you'), sql\nrequire('phrases').greeting('me')\nwhile true do end\n";
    let ended = typed(&app(), &["--entry", "app:hello"], input);
    insta::assert_snapshot!(format!("{}---\n{}", ended.stdout, ended.stderr), @r#"
    memory   16 MiB
    cpu      100ms a turn
    timeout  30s
    json
    "hello you"	nil
    "hello me"
    ---
    error: app:hello: one turn used more CPU time than `limits.cpu` allows (100ms) [Timeout]
    "#);
}

#[test]
fn a_session_has_the_modules_that_it_is_given() {
    let ended = typed(&app(), &["--modules", "json,time"], ".modules\nsql, json ~= nil\nrequire('sql')\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "json\ntime\nnil\ttrue\n"));
    assert!(ended.stderr.starts_with("error: stdin:3: module 'sql' not found"), "{}", ended.stderr);
    let ended = typed(&app(), &["--modules", "jsno"], "");
    assert!(
        ended.stderr.starts_with("error: there is no module `jsno`; known are base64, "),
        "{}",
        ended.stderr
    );
    let ended = typed(&app(), &["--entry", "app:nothing"], "");
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "error: no entry app:nothing [NotFound]\n"));
}

#[test]
fn commands_tell_of_the_session() {
    let ended = typed(
        &app(),
        &[],
        ".help\n.entries app:*e*\n.limits\n.doc json.encode\n.doc error:kind\nx = 1\n.reset\nx\n.exit\nprint('never')\n",
    );
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("commands", ended.stdout);
}

#[test]
fn a_library_of_lua_is_explained_with_what_is_as_everywhere() {
    let shown = shown(".doc table\n");
    assert!(shown.contains("\nas in Lua 5.4: table.concat, table.insert, "), "{shown}");
}

#[test]
fn a_name_that_means_several_libraries_is_refused() {
    let library = |namespace: &str| {
        format!("namespace: {namespace}\nname: words\nkind: library.lua\nsource: 'return {{}}'\n")
    };
    let user = "namespace: c\nentries:\n  - {name: first, kind: library.lua, source: 'return {}', imports: {words: 'a:words'}}\n  - {name: second, kind: library.lua, source: 'return {}', imports: {words: 'b:words'}}\n";
    let app = App::new(user, &[("a.yaml", &library("a")), ("b.yaml", &library("b"))]);
    let ended = typed(&app, &[], "require('words')\n");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            1,
            "error: `words` may mean `a:words` and `b:words`: require the one that is meant by its id [Invalid]\n"
        )
    );
}

#[test]
fn a_wrong_command_is_an_error() {
    for (input, error) in [
        (
            ".nothing\n",
            "error: there is no command `.nothing`; there are .help, .exit, .load, .entries, .modules, .limits, .reset, .doc\n",
        ),
        (".load\n", "error: name the file to load: `.load FILE`\n"),
        (".load none.lua\n", "error: cannot read `none.lua`: No such file or directory (os error 2)\n"),
        (
            ".doc nothing\n",
            "error: nothing is known of `nothing`: name a module, a function such as `json.encode`, or a class\n",
        ),
        (
            ".entries [\n",
            "error: `[` is no pattern: error parsing glob '[': unclosed character class; missing ']'\n",
        ),
    ] {
        assert_eq!(failed(input), (String::new(), error.to_owned()));
    }
}

#[test]
fn files_are_run_as_one_input() {
    let app = App::new(
        "{}",
        &[
            ("right.lua", "local n = 5\nfunction f() return n end\nreturn n"),
            ("wrong.lua", "\n\nlocal x = nil + 1"),
            ("open.lua", "do"),
        ],
    );
    let ended = typed(&app, &[], ".load right.lua\nf(), n\n.load wrong.lua\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "5\n5\tnil\n"));
    assert!(
        ended.stderr.starts_with("error: wrong.lua:3: attempt to perform arithmetic on a nil value"),
        "{}",
        ended.stderr
    );
    let ended = typed(&app, &[], ".load open.lua\n");
    assert_eq!(ended.stderr, "error: `open.lua` ends before it is complete\n");
}

#[test]
fn a_wrong_application_is_reported() {
    let app = App::new("{namespace: app, name: x, kind: library.lua, source: 'return ('}", &[]);
    let ended = typed(&app, &[], "1\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(
        ended.stderr.contains("Lua syntax") && ended.stderr.ends_with("1 problem found\n"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_directory_that_is_named_has_to_hold_an_application() {
    let empty = App::new("{}", &[]);
    let ended = typed(&empty, &["-C", "."], "1 + 1\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.starts_with("error: `.` holds no entries"), "{}", ended.stderr);
}

#[test]
fn services_run_when_they_are_asked_for_and_not_otherwise() {
    let service =
        "{namespace: app, name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true}}";
    let app = App::new(service, &[]);
    let ended = typed(&app, &["--services"], "1\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "1\n"), "{}", ended.stderr);
    for said in ["started service=app:web", "stopped service=app:web"] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    let ended = typed(&app, &[], "1\n");
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "1\n", ""));
}

#[test]
fn input_that_is_no_text_is_an_error() {
    let app = App::new("{}", &[]);
    let mut command = app.command(&["repl"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let _ = child.stdin.take().expect("it is piped").write_all(b"1\n\xff\n");
    let ended = ended(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "1\n"));
    assert_eq!(ended.stderr, "error: cannot read line 2 of stdin: stream did not contain valid UTF-8\n");
}

/// Inputs and what is shown, as in a transcript: lines behind `> ` and `>> ` are typed.
fn transcript(text: &str) -> (String, String) {
    let (mut input, mut output) = (String::new(), String::new());
    for line in text.lines() {
        let (to, line) = match line.strip_prefix(">> ").or_else(|| line.strip_prefix("> ")) {
            Some(typed) => (&mut input, typed),
            None => (&mut output, line),
        };
        to.push_str(line);
        to.push('\n');
    }
    (input, output)
}

#[test]
fn the_transcripts_of_the_manual_are_true() {
    let manual = include_str!("../../../docs/repl.md");
    let mut blocks = 0;
    for block in manual.split("```repl\n").skip(1) {
        let (input, output) = transcript(block.split("```").next().expect("a block ends"));
        assert_eq!(shown(&input), output);
        blocks += 1;
    }
    for block in manual.split("$ perilune -C examples/orders repl\n").skip(1) {
        let (input, output) = transcript(block.split("```").next().expect("a block ends"));
        let orders = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/orders");
        let ended = typed(&App::new("{}", &[]), &["-C", &orders.to_string_lossy()], &input);
        assert_eq!((ended.code, ended.stdout, ended.stderr.as_str()), (0, output, ""));
        blocks += 1;
    }
    assert_eq!(blocks, 2);
}
