//! A client and a worker of another language on the same server, and Lua on the other side of both.

use super::support::{SERVERS, app_on, result, server, started, unique};
use perilune::Value;
use perilune::workflow::{Outcome, StartOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// The official SDK for Python.
const PACKAGE: &str = "temporalio==1.35.0";

/// Where it is installed; none where there is no server, or it cannot be had.
fn sdk() -> Option<PathBuf> {
    server()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("temporalio-python-1.35.0");
    if folder.join("temporalio").is_dir() {
        return Some(folder);
    }
    // Under another name first, so that what was interrupted is not taken for whole.
    let part = folder.with_extension(format!("{}", std::process::id()));
    let installed = std::process::Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--only-binary", ":all:", "--target"])
        .args([part.as_os_str(), PACKAGE.as_ref()])
        .output();
    let is_there = installed.as_ref().is_ok_and(|output| output.status.success())
        && (std::fs::rename(&part, &folder).is_ok() || folder.join("temporalio").is_dir());
    if !is_there {
        let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!is_ci, "no other SDK for the tests: {installed:?}");
        let _ = std::io::stderr().write_all(b"SKIPPED: no other SDK for the tests\n");
        return None;
    }
    Some(folder)
}

fn python(sdk: &Path, part: &str, queue: &str, unique: &str) -> Command {
    let mut command = Command::new("python3");
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/workflows/foreign.py"))
        .args([part, &server().expect("there is one"), queue, unique])
        .env("PYTHONPATH", sdk)
        .kill_on_drop(true)
        .stdin(Stdio::null());
    command
}

#[tokio::test]
async fn a_foreign_client_starts_signals_asks_updates_and_reads_a_workflow_in_lua() {
    let Some(sdk) = sdk() else { return };
    let work = "return { main = function(name)
        if name == 'fail' then
          return nil, errors.new({ message = 'as told', kind = 'Conflict', retryable = false, details = { by = 3 } })
        end
        local total, open = 0, true
        workflow.query('total', function(factor) return total * (factor or 1) end)
        local function pay(payment) total = total + payment.amount return total end
        workflow.update('pay', pay, function(payment)
          if payment.amount <= 0 then error('an amount is positive') end
        end)
        local paid, closed = process.listen('pay'), process.listen('close')
        while open do
          local picked = channel.select({ paid:case_receive(), closed:case_receive() })
          if picked.channel == paid then pay(picked.value) else open = false end
        end
        return { name = name, total = total }
      end }";
    for host in SERVERS {
        let app = app_on(host, work, "return 1").await;
        let queue = queue(&app);
        let output = python(&sdk, "client", &queue, &unique()).output().await.expect("it runs");
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("all of it"), "on {host}: {text}");
        app.runtime.stop().await;
    }
}

/// The queue of the application's worker, as its entries say.
fn queue(app: &perilune_tests::App) -> String {
    let yaml = std::fs::read_to_string(app.path().join("app.yaml")).expect("a file");
    let after = |word: &str, end: char| {
        let (_, rest) = yaml.split_once(word).expect("it is there");
        rest.split(end).next().expect("a value").trim_matches('\'').to_owned()
    };
    after("tq_prefix: ", '}') + &after("task_queue: ", ',')
}

#[tokio::test]
async fn a_workflow_in_lua_calls_foreign_activities_and_workflows() {
    let Some(sdk) = sdk() else { return };
    let work = "return { main = function()
        local there = funcs.new():with_options({ ['activity.task_queue'] = 'python' })
        local greeting = assert(there:call('greet', { name = 'Ada' }))
        local _, refused = there:call('greet', { name = '' })
        local doubled = process.with_options({ ['workflow.task_queue'] = 'python' }):exec('Doubler', '', 21)
        return { greeting.text, greeting.length, refused:kind(), refused:details().field, doubled }
      end }";
    for host in SERVERS {
        let app = app_on(host, work, "return 1").await;
        // Its queues are all behind the prefix of the application's client.
        let queue = queue(&app).replace(host, "python");
        let mut worker = python(&sdk, "worker", &queue, "-").stdout(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(worker.stdout.take().expect("it is piped")).lines();
        assert_eq!(lines.next_line().await.expect("a line").as_deref(), Some("ready"));
        let backend = app.runtime.workflows(&format!("app:{host}")).expect("it runs");
        let target = started(&*backend, vec![], StartOptions::default()).await;
        let seen = vec!["hello Ada".into(), 3.into(), "Invalid".into(), "name".into(), 42.into()];
        assert_eq!(result(&*backend, &target).await, Outcome::Completed(Value::Array(seen)), "on {host}");
        worker.kill().await.expect("it ends");
        app.runtime.stop().await;
    }
}
