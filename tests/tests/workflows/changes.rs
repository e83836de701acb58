//! What becomes of runs whose code changed, and of recorded ones.

use super::support::{FILES, app_on, query, result, signal, started, unique};
use perilune::workflow::{
    Activation, Backend, Code, Fields, Job, Outcome, Resolution, Start, StartOptions, Status, Target,
    Timestamp,
};
use perilune::{EngineOptions, Replayed, Runtime, Value};
use std::sync::Arc;

/// Runs `old` to where it waits, puts `new` in its place, and shows what became of the run.
async fn with_code_changed(old: &str, new: &str, test: impl AsyncFn(&Runtime, Arc<dyn Backend>, Target)) {
    for host in FILES {
        let app = app_on(host, old, "return 1").await;
        let id = format!("app:{host}");
        let backend = app.runtime.workflows(&id).expect("it runs");
        let target = started(&*backend, vec![], StartOptions::default()).await;
        backend.query(target.clone(), query("pid", vec![])).await.expect("it has come to where it waits");
        app.runtime.stop().await;

        let prefix = "local workflow, funcs, time = require('workflow'), require('funcs'), require('time')\n";
        std::fs::write(app.path().join("work.lua"), format!("{prefix}{new}")).expect("a file is written");
        let again = Runtime::builder().directory(app.path()).build().expect("the same application");
        again.start().await.expect("the host starts again");
        let backend = again.workflows(&id).expect("it runs");
        test(&again, backend, target).await;
        again.stop().await;
    }
}

const WAITS: &str = "return { main = function()
    funcs.call('app:add', 1, 2)
    process.inbox():receive()
    return 'old'
  end }";

#[tokio::test]
async fn code_that_changed_behind_a_version_serves_old_runs_and_new_ones() {
    let new = "return { main = function()
        local version = workflow.version('sum', 1, 2)
        if version == 2 then funcs.call('app:add', 3, 4) else funcs.call('app:add', 1, 2) end
        process.inbox():receive()
        return version
      end }";
    with_code_changed(WAITS, new, async |_, backend, old| {
        let new = started(&*backend, vec![], StartOptions::default()).await;
        for (target, version) in [(old, 1), (new, 2)] {
            backend.signal(target.clone(), signal("go", vec![])).await.expect("it is open");
            assert_eq!(result(&*backend, &target).await, Outcome::Completed(version.into()));
        }
    })
    .await;
}

#[tokio::test]
async fn code_that_does_something_else_parks_the_run_and_names_the_line() {
    let new = "return { main = function()
        time.sleep('1ms')
        process.inbox():receive()
      end }";
    with_code_changed(WAITS, new, async |runtime, backend, target| {
        let refused = backend.query(target.clone(), query("pid", vec![])).await.expect_err("it differs");
        assert_eq!(refused.code, Code::Nondeterminism, "{refused}");
        backend.signal(target.clone(), signal("go", vec![])).await.expect("nothing is lost meanwhile");
        let described = backend.describe(target.clone()).await.expect("it is there");
        assert_eq!(described.summary.status, Status::Running);
        let file = backend.export(target).await.expect("it is there");
        let replayed = runtime.replay_workflow(file.as_bytes()).await.expect("it is a history");
        let Replayed::Differs(difference) = replayed else { panic!("{replayed:?}") };
        insta::allow_duplicates! {
            insta::assert_snapshot!(format!("{difference:#?}"));
        }
    })
    .await;
}

/// What was once recorded is replayed for ever: `histories/` holds runs of `histories/kitchen.lua` on a file and on a server.
/// With `PERILUNE_RECORD=1` they are recorded anew, which only a change of what is recorded asks for.
#[tokio::test]
async fn recorded_histories_replay_for_ever() {
    let kitchen = include_str!("histories/kitchen.lua");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workflows/histories");
    if std::env::var_os("PERILUNE_RECORD").is_some() {
        for host in ["host", "worker"] {
            let app = app_on(host, kitchen, "return 1").await;
            let backend = app.runtime.workflows(&format!("app:{host}")).expect("it runs");
            let options =
                StartOptions { id: Some(format!("kitchen-{}", unique())), ..StartOptions::default() };
            let target = started(&*backend, vec!["ada".into()], options).await;
            let _ = backend.signal(target.clone(), signal("price", vec![12.into()])).await;
            let ended = result(&*backend, &target).await;
            assert!(matches!(ended, Outcome::Completed(_)), "{ended:?}");
            let history = backend.export(target).await.expect("it is there");
            std::fs::write(folder.join(format!("{host}.json")), history).expect("it is written");
            app.runtime.stop().await;
        }
    }
    let app = app_on("host", kitchen, "return 1").await;
    for name in ["host.json", "worker.json"] {
        let history = std::fs::read(folder.join(name)).expect("it was recorded");
        let replayed = app.runtime.replay_workflow(&history).await.expect("it is a history");
        assert!(matches!(replayed, Replayed::Same { .. }), "{name}: {replayed:?}");
    }
    app.runtime.stop().await;
}

/// Asks for everything that differs from host to host, and acts on it.
const DRAWS: &str = "return { main = function(name)
    local drawn = { uuid.v4(), uuid.v7(), math.random(), crypto.random.string(8), time.now():unix_nano(), os.time(), os.date() }
    local keys = {}
    for key in pairs({ alpha = 1, beta = 2, gamma = 3, [print] = 4, [{}] = 5 }) do keys[#keys + 1] = type(key) end
    local calls = {}
    for i = 1, 3 do calls[i] = funcs.async('app:add', name, drawn, keys, 0 / 0, i) end
    coroutine.spawn(function() time.sleep('5ms') funcs.call('app:add', 'later', tostring({}):match('^table') or 0) end)
    local picked = channel.select({ time.after('10ms'):case_receive(), calls[1]:response():case_receive() })
    process.spawn('app:child', '', 'value')
    return picked.ok
  end }";

/// All commands that a host gives for it.
async fn commands(runtime: &Runtime) -> String {
    let jobs = [
        vec![Job::Start(Box::new(start("app:work", vec!["ada".into()])))],
        vec![Job::FireTimer { seq: 5 }],
        vec![Job::Signal(signal("note", vec![1.5.into()])), Job::FireTimer { seq: 4 }],
        vec![Job::ResolveActivity { seq: 1, outcome: Resolution::Completed(Value::Float(f64::NAN)) }],
    ];
    let machines = runtime.workflow_machines("app:host").expect("it is a host");
    let mut machine = machines.create("app:work", "run-1").await.expect("there is such a workflow");
    let mut all = String::new();
    for (at, jobs) in jobs.into_iter().enumerate() {
        let commands = machine.activate(activation(at, jobs)).await.expect("it runs");
        all.push_str(&format!("{commands:#?}\n"));
    }
    assert!(all.contains("ScheduleActivity") && all.contains("StartChild"), "{all}");
    all
}

#[tokio::test]
async fn hosts_with_other_pools_give_the_same_commands_byte_for_byte() {
    let app = app_on("host", DRAWS, "return 1").await;
    let busy = EngineOptions { max_cells: 64, ..EngineOptions::default() };
    let other = Runtime::builder().directory(app.path()).engine(busy).build().expect("the same application");
    // The other host's pools have been used in another order before.
    for i in 0..5 {
        assert_eq!(other.call("app:add", [i.into(), 1.into()]).await, Ok((i + 1).into()));
    }
    assert_eq!(commands(&app.runtime).await, commands(&other).await);
    app.runtime.stop().await;
}

/// Where this test, run as a process of its own, leaves what its host said.
const ELSEWHERE: &str = "PERILUNE_TEST_COMMANDS";

/// Another process, in another time zone and language, whose clock is ten years ahead.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_machine_gives_the_same_commands_byte_for_byte() {
    let app = app_on("host", DRAWS, "return 1").await;
    let here = commands(&app.runtime).await;
    app.runtime.stop().await;
    if let Some(file) = std::env::var_os(ELSEWHERE) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        return std::fs::write(file, format!("{}\n{here}", now.as_secs())).expect("it is written");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (clock, file) = (folder.path().join("later.so"), folder.path().join("said"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/workflows/later.c");
    let mut compiler = tokio::process::Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&clock).arg(source);
    assert!(compiler.status().await.expect("a C compiler").success());
    let mut there = tokio::process::Command::new(std::env::current_exe().expect("this program"));
    there
        .args(["--exact", "workflows::changes::another_machine_gives_the_same_commands_byte_for_byte"])
        .env(ELSEWHERE, &file)
        .env("LD_PRELOAD", &clock)
        .envs([("TZ", "Asia/Kathmandu"), ("LC_ALL", "tr_TR.UTF-8")]);
    let ran = there.output().await.expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    let said = std::fs::read_to_string(&file).expect("it said something");
    let (seconds, said) = said.split_once('\n').expect("two parts");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    assert!(seconds.parse::<u64>().expect("a number") > now.as_secs() + 300_000_000, "its clock is ahead");
    assert_eq!(said, here);
}

fn start(workflow_type: &str, args: Vec<Value>) -> Start {
    Start {
        workflow_type: workflow_type.to_owned(),
        workflow_id: "the-one".to_owned(),
        run_id: "run-1".to_owned(),
        first_run_id: "run-1".to_owned(),
        args,
        seed: 42,
        attempt: 1,
        headers: Fields::new(),
        parent: None,
        memo: Fields::new(),
        search_attributes: Fields::new(),
        execution_timeout: None,
        run_timeout: None,
        retry: None,
        cron: None,
        continued_from: None,
        last_result: None,
        last_failure: None,
    }
}

fn activation(at: usize, jobs: Vec<Job>) -> Activation {
    Activation {
        run_id: "run-1".to_owned(),
        timestamp: Timestamp::from_seconds(1_700_000_000 + i64::try_from(at).unwrap_or_default()),
        is_replaying: false,
        history_length: 1,
        history_bytes: 100,
        continue_as_new_suggested: false,
        jobs,
    }
}
