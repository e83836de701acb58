//! `process.lua` as a command: found by `meta.command.name`, given texts, run to its end.

use perilune::{Kind, Value};
use perilune_tests::App;

fn app(source: &str) -> App {
    let yaml = "
namespace: app
entries:
  - name: greeter
    kind: process.lua
    meta: {command: {name: greet, short: Greets people}}
    source: file://greet.lua
    method: main
    modules: [process, funcs]
  - {name: plain, kind: process.lua, source: 'return function() return \"plain\" end', method: main}
  - {name: who, kind: function.lua, source: 'return function() return {pid = process.pid(), id = process.id()} end', method: main}
";
    App::new(&[("app.yaml", yaml), ("greet.lua", source)])
}

async fn run(source: &str, args: &[&str]) -> Value {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    app(source).runtime.run_command("greet", &args).await.expect("the command succeeds")
}

#[tokio::test]
async fn a_command_runs_the_process_of_that_name() {
    assert_eq!(run("return {main = function() return 'hello' end}", &[]).await, "hello".into());
}

#[tokio::test]
async fn its_arguments_are_texts() {
    let source = "return function(...)
      local types = {}
      for i = 1, select('#', ...) do types[i] = type((select(i, ...))) .. '=' .. (select(i, ...)) end
      return table.concat(types, ' ')
    end";
    assert_eq!(run(source, &["42", "", "ü"]).await, "string=42 string= string=ü".into());
}

#[tokio::test]
async fn its_result_is_any_value() {
    for (returned, expected) in [
        ("3", Value::from(3)),
        ("true", true.into()),
        ("nil", Value::Nil),
        ("{1, 2}", Value::Array(vec![1.into(), 2.into()])),
    ] {
        assert_eq!(
            run(&format!("return function() return {returned} end"), &[]).await,
            expected,
            "{returned}"
        );
    }
}

#[tokio::test]
async fn its_error_is_the_commands_failure() {
    let app =
        app("return function(name) return nil, errors.new({message = 'no ' .. name, kind = 'NotFound'}) end");
    let failure = app.runtime.run_command("greet", &["one".to_owned()]).await.expect_err("it fails");
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, "no one"));
}

#[tokio::test]
async fn an_unknown_command_is_not_found() {
    for name in ["gret", "app:greeter", "plain", ""] {
        let failure =
            app("return function() end").runtime.run_command(name, &[]).await.expect_err("it is not there");
        assert_eq!((failure.kind, failure.message), (Kind::NotFound, format!("no command `{name}`")));
    }
}

#[tokio::test]
async fn commands_are_listed_with_what_they_do() {
    let commands = app("return function() end").runtime.commands();
    let listed: Vec<_> =
        commands.iter().map(|c| (c.name.as_str(), c.summary.as_str(), c.entry.as_str())).collect();
    assert_eq!(listed, [("greet", "Greets people", "app:greeter")]);
}

#[tokio::test]
async fn a_process_knows_its_pid_and_its_id() {
    let result = run("return function() return {pid = process.pid(), id = process.id()} end", &[]).await;
    let pid = result.get("pid").and_then(Value::as_str).expect("a pid is a text");
    assert!(pid.starts_with("{processes|") && pid.ends_with('}'), "{pid}");
    assert_eq!(result.get("id"), Some(&"app:greeter".into()));
}

#[tokio::test]
async fn functions_have_pids_too_and_no_two_are_the_same() {
    let app = app("return function() end");
    let (one, other) = (app.call("app:who", &[]).await, app.call("app:who", &[]).await);
    let pid = |called: Result<Value, _>| {
        called.expect("it succeeds").get("pid").and_then(Value::as_str).map(str::to_owned)
    };
    let (one, other) = (pid(one), pid(other));
    assert!(one.as_deref().is_some_and(|pid| pid.starts_with("{functions|")), "{one:?}");
    assert_ne!(one, other);
}

#[tokio::test]
async fn a_process_has_no_wall_clock_limit_of_its_own() {
    let yaml = "
namespace: app
entries:
  - {name: job, kind: process.lua, source: \"return function() require('time').sleep('50ms') return 'done' end\", method: main, modules: [time]}
  - {name: main, kind: function.lua, source: \"return function() require('time').sleep('1h') end\", method: main, modules: [time]}
";
    let limits =
        perilune::Limits { timeout: Some(std::time::Duration::from_millis(20)), ..perilune::Limits::DEFAULT };
    let app = App::with(&[("app.yaml", yaml)], |builder| builder.limits(limits));
    assert_eq!(app.call("app:job", &[]).await, Ok("done".into()));
    assert_eq!(app.main_fails().await.kind, Kind::Timeout);
}
