//! Another SDK on the same server: it calls our workflow and is called by it.

use crate::basics::mailbox;
use crate::support::script::{Deeds, Scripts};
use crate::support::server::install;
use crate::support::{QUEUE, World, map, within};
use perilune_value::{Kind, Value};
use perilune_workflow::{Backend, Outcome, QueryRequest, Signal, StartOptions, Target};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The official SDK for Python.
const PACKAGE: &str = "temporalio==1.35.0";

/// Where it is installed; none where it cannot be.
fn sdk() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("temporalio-python-1.35.0");
    match install(&folder, PACKAGE, &["--only-binary", ":all:"]) {
        Ok(()) => Some(folder),
        Err(why) if std::env::var_os("CI").is_some_and(|ci| ci == "true") => {
            panic!("no other SDK for the tests: {why}")
        }
        Err(why) => {
            println!("SKIPPED: no other SDK for the tests: {why}");
            None
        }
    }
}

fn python(sdk: &Path, world: &World, part: &str) -> Command {
    let mut command = Command::new("python3");
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/foreign.py"))
        .args([part, &world.server.address(), QUEUE])
        .env("PYTHONPATH", sdk)
        .kill_on_drop(true)
        .stdin(Stdio::null());
    command
}

#[tokio::test]
async fn a_python_client_starts_signals_asks_calls_and_reads() {
    let Some(sdk) = sdk() else { return };
    let Some(world) = World::new(Scripts::default().with("app:mailbox", mailbox), Deeds::default()).await
    else {
        return;
    };
    let output = within(python(&sdk, &world, "client").output()).await.unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("all of it"), "{text}");
    world.end().await;
}

#[tokio::test]
async fn a_python_workflow_is_started_asked_signalled_and_read() {
    let Some(sdk) = sdk() else { return };
    let Some(world) = World::new(Scripts::default(), Deeds::default()).await else { return };
    let mut worker = python(&sdk, &world, "worker").stdout(Stdio::piped()).spawn().unwrap();
    ready(&mut worker).await;

    let backend = perilune_temporal::TemporalBackend::new(world.server.client(), "python");
    let arg = map([("name", "Lua".into()), ("n", 2.into())]);
    let options = StartOptions { id: Some("g".to_owned()), ..StartOptions::default() };
    backend.start("Greeter", vec![arg.clone()], options).await.unwrap();
    let target = Target::from("g");
    let ask = QueryRequest { name: "waiting".to_owned(), args: vec![] };
    assert_eq!(within(backend.query(target.clone(), ask)).await.unwrap(), Value::Bool(true));
    let go = Signal { name: "go".to_owned(), args: vec!["!".into()], ..Signal::default() };
    backend.signal(target.clone(), go).await.unwrap();
    let greeting = map([("greeting", "hello Lua!".into()), ("n", 3.into())]);
    let Outcome::Completed(result) = within(backend.result(target)).await.unwrap() else {
        panic!("no result")
    };
    assert_eq!((result.get("greeting"), result.get("n")), (greeting.get("greeting"), greeting.get("n")));

    let options = StartOptions { id: Some("f".to_owned()), ..StartOptions::default() };
    backend.start("Thrower", vec![], options).await.unwrap();
    let Outcome::Failed(failure) = within(backend.result(Target::from("f"))).await.unwrap() else {
        panic!("it did not fail")
    };
    assert_eq!((failure.kind, failure.retryable), (Kind::Conflict, Some(false)));
    assert_eq!(failure.details.unwrap().get("by"), Some(&3.into()));
    worker.kill().await.unwrap();
    world.end().await;
}

async fn ready(worker: &mut Child) {
    let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    let line = within(lines.next_line()).await.unwrap();
    assert_eq!(line.as_deref(), Some("ready"));
}
