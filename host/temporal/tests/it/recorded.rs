//! Recorded histories, replayed.

use crate::basics::echo;
use crate::support::World;
use crate::support::script::{Deeds, Scripts, activity};
use perilune_temporal::{Recorded, Replayed, replay};
use perilune_test_log::Log;
use perilune_workflow::{Activation, ActivityOptions, Code, CommandKind, EventKind, Job, Outcome, Target};
use std::sync::Arc;
use std::time::Duration;

/// Replays against the code of a type.
async fn against<S>(recorded: &Recorded, make: impl Fn() -> S + Send + Sync + 'static) -> Replayed
where
    S: FnMut(&Job, &Activation, &mut Vec<CommandKind>) + Send + 'static,
{
    replay(recorded, Arc::new(Scripts::default().with("echo", make))).await
}

/// A server is asked once; the rest of the promise needs none.
async fn check(recorded: &Recorded) {
    assert_eq!(recorded.workflow_type(), "echo");
    assert_eq!(against(recorded, echo).await, Replayed::Same);

    let changed = || {
        |job: &Job, _: &Activation, out: &mut Vec<CommandKind>| {
            if matches!(job, Job::Start(_)) {
                out.push(activity(1, "work", vec![], ActivityOptions::default()));
            }
        }
    };
    let Replayed::Differs(difference) = against(recorded, changed).await else { panic!("it is the same") };
    assert_eq!(difference.event_id, Some(5), "{difference:?}");
    let expected = difference.expected.unwrap();
    assert_eq!(expected.kind, EventKind::TimerStarted { seq: 1, after: Duration::from_millis(10) });
    assert!(difference.message.starts_with("[TMPRL1100]"), "{}", difference.message);

    let silent = || |_: &Job, _: &Activation, _: &mut Vec<CommandKind>| {};
    assert!(matches!(against(recorded, silent).await, Replayed::Differs(_)));

    let missing = replay(recorded, Arc::new(Scripts::default())).await;
    assert!(matches!(&missing, Replayed::Failed { code: Code::UnknownType, .. }), "{missing:?}");
}

#[tokio::test]
async fn a_fixture_replays_for_ever() {
    check(&Recorded::read(include_bytes!("histories/echo.json")).unwrap()).await;
}

#[tokio::test]
async fn the_log_says_why_a_machine_was_given_up() {
    let recorded = Recorded::read(include_bytes!("histories/echo.json")).unwrap();
    let silent = || |_: &Job, _: &Activation, _: &mut Vec<CommandKind>| {};
    let log = Log::keep();
    against(&recorded, silent).await;
    replay(&recorded, Arc::new(Scripts::default())).await;
    for said in [
        "the workflow's code does not do what its history says; bring back the code that the run began with, or branch with \
         `workflow.version`: ",
        "a workflow's machine was given up: ",
    ] {
        assert!(log.says(said), "{:?}", log.records());
    }
}

#[tokio::test]
async fn every_form_of_a_history_is_read() {
    let Some(world) = World::new(Scripts::default().with("echo", echo), Deeds::default()).await else {
        return;
    };
    world.start("echo", "e", vec!["hi".into()]).await;
    assert_eq!(world.result("e").await, Outcome::Completed("hi".into()));
    let fetched = world.backend.recorded(&Target::from("e")).await.unwrap();
    check(&fetched).await;
    let exported = world.server.command(&["workflow", "show", "-w", "e", "-o", "json"]);
    if let Some(folder) = std::env::var_os("PERILUNE_RECORD") {
        std::fs::write(std::path::Path::new(&folder).join("echo.json"), &exported).unwrap();
    }
    let exported = Recorded::read(&exported).unwrap();
    check(&exported).await;
    assert_eq!(exported.events(), fetched.events());
    assert_eq!(Recorded::read(fetched.to_json().as_bytes()).unwrap(), fetched);
    assert_eq!(Recorded::read(&fetched.to_bytes()).unwrap(), fetched);
    world.end().await;
}

#[tokio::test]
async fn a_history_that_has_only_begun_is_not_replayed() {
    let mut begun: serde_json::Value = serde_json::from_slice(include_bytes!("histories/echo.json")).unwrap();
    begun["events"].as_array_mut().unwrap().truncate(1);
    let begun = Recorded::read(&serde_json::to_vec(&begun).unwrap()).unwrap();
    let Replayed::Failed { message, .. } = against(&begun, echo).await else { panic!("it is replayed") };
    assert_eq!(message, "the history was not replayed: it holds no completed workflow task");
}

#[test]
fn what_is_no_history_is_refused() {
    for (bytes, says) in [
        (&b"{\"events\": [{\"eventId\": true}]}"[..], "line 1"),
        (b"{\"events\": []}", "must be whole"),
        (b"\xff\xff", "neither JSON nor protobuf"),
    ] {
        let error = Recorded::read(bytes).unwrap_err().to_string();
        assert!(error.starts_with("[TEMPORAL_HISTORY]") && error.contains(says), "{error}");
    }
}
