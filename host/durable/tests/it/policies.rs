//! How workflows are started, repeated, limited, listed and forgotten.

use crate::script::End;
use crate::world::{World, completed, seconds};
use perilune_durable::{Clock, Settings};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Backend, Code, ConflictPolicy, EventKind, Filter, Outcome, RetryPolicy, ReusePolicy, Signal,
    StartOptions, Status, Target,
};
use std::collections::BTreeSet;

fn options(id: &str) -> StartOptions {
    StartOptions { id: Some(id.to_owned()), ..StartOptions::default() }
}

/// A workflow that waits for a signal, and fails where that says so.
fn waiting() -> World {
    World::with(|flow| async move {
        match flow.receive("go").await.first() {
            Some(Value::Bool(false)) => Err(End::Fail(Failure::invalid("told to"))),
            _ => Ok(Value::Nil),
        }
    })
}

#[tokio::test]
async fn an_open_id_is_treated_as_the_conflict_policy_says() {
    let world = waiting();
    let host = world.host().await;
    let first = host.begin("a", vec![]).await;
    let again = |conflict| host.try_begin(StartOptions { conflict, ..options("a") }, vec![]);
    let refused = again(ConflictPolicy::Fail).await.unwrap_err();
    assert_eq!(refused.code, Code::AlreadyStarted);
    assert_eq!(refused.message, "an open run has the workflow id `a`; choose another id, or another policy");
    let existing = again(ConflictPolicy::UseExisting).await.unwrap();
    assert_eq!((existing.run_id.as_str(), existing.is_new), (first.run_id.as_str(), false));
    let new = again(ConflictPolicy::TerminateExisting).await.unwrap();
    assert!(new.is_new);
    let old = Target { workflow_id: "a".into(), run_id: Some(first.run_id) };
    assert_eq!(host.result(old).await.unwrap(), Outcome::Terminated("another run took its id".into()));
}

#[tokio::test]
async fn a_closed_id_is_treated_as_the_reuse_policy_says() {
    let world = waiting();
    let host = world.host().await;
    let again = |reuse| host.try_begin(StartOptions { reuse, ..options("a") }, vec![]);
    again(ReusePolicy::RejectDuplicate).await.unwrap();
    host.send("a", "go", vec![Value::Bool(false)]).await;
    host.end("a").await;
    let refused = again(ReusePolicy::RejectDuplicate).await.unwrap_err();
    assert_eq!(refused.code, Code::AlreadyStarted);
    assert_eq!(refused.message, "a closed run has the workflow id `a`; choose another id, or another policy");
    again(ReusePolicy::AllowDuplicateFailedOnly).await.unwrap();
    host.send("a", "go", vec![]).await;
    host.end("a").await;
    assert_eq!(again(ReusePolicy::AllowDuplicateFailedOnly).await.unwrap_err().code, Code::AlreadyStarted);
    again(ReusePolicy::AllowDuplicate).await.unwrap();
}

#[tokio::test]
async fn a_start_brings_its_signals() {
    let world = waiting();
    let host = world.host().await;
    let signals = vec![Signal { name: "go".into(), ..Signal::default() }];
    host.try_begin(StartOptions { signals, ..options("a") }, vec![]).await.unwrap();
    assert_eq!(host.end("a").await, completed(Value::Nil));
}

#[tokio::test]
async fn a_delayed_workflow_begins_later_also_after_a_restart() {
    let world = World::with(|flow| async move { Ok(Value::Integer(flow.now().seconds())) });
    let begin = world.clock.now().seconds();
    let host = world.host().await;
    host.try_begin(StartOptions { start_delay: Some(seconds(90)), ..options("a") }, vec![]).await.unwrap();
    host.stop().await;
    assert_eq!(world.host().await.end("a").await, completed(Value::Integer(begin + 90)));
}

#[tokio::test]
async fn a_cron_workflow_runs_at_its_times_and_knows_its_last_result() {
    let world = World::with(|flow| async move {
        let last = flow.start().last_result.map_or(0, |last| last.as_integer().unwrap());
        flow.sleep(seconds(10)).await;
        assert_eq!(flow.now().seconds() % 3600, 10);
        if last == 3 { Err(End::Cancelled(Some(Value::Integer(last)))) } else { Ok(Value::Integer(last + 1)) }
    });
    let host = world.host().await;
    host.try_begin(StartOptions { cron: Some("@hourly".into()), ..options("a") }, vec![]).await.unwrap();
    assert_eq!(host.end("a").await, Outcome::Canceled(Some(Value::Integer(3))));
    let wrong = StartOptions { cron: Some("never".into()), ..options("b") };
    assert_eq!(host.try_begin(wrong, vec![]).await.unwrap_err().code, Code::Invalid);
}

#[tokio::test]
async fn a_failed_run_is_retried_as_its_policy_says() {
    let world = World::with(|flow| async move {
        let start = flow.start();
        if start.attempt < 3 {
            return Err(End::Fail(Failure { kind: Kind::Unavailable, ..Failure::default() }));
        }
        assert_eq!(start.last_failure.unwrap().kind, Kind::Unavailable);
        Ok(Value::Integer(flow.now().seconds()))
    });
    let begin = world.clock.now().seconds();
    let host = world.host().await;
    let retry = Some(RetryPolicy::default());
    host.try_begin(StartOptions { retry, ..options("a") }, vec![]).await.unwrap();
    assert_eq!(host.end("a").await, completed(Value::Integer(begin + 3)));
}

#[tokio::test]
async fn runs_and_rows_of_runs_have_limits_of_time() {
    let world = waiting();
    let host = world.host().await;
    host.try_begin(StartOptions { run_timeout: Some(seconds(5)), ..options("a") }, vec![]).await.unwrap();
    assert_eq!(host.end("a").await, Outcome::TimedOut);
    let retried = StartOptions {
        run_timeout: Some(seconds(5)),
        retry: Some(RetryPolicy { maximum_attempts: 2, ..RetryPolicy::default() }),
        ..options("retried")
    };
    host.try_begin(retried, vec![]).await.unwrap();
    assert_eq!(host.end("retried").await, Outcome::TimedOut);
    let EventKind::WorkflowExecutionStarted(last) = host.events("retried").await.remove(0) else { panic!() };
    assert_eq!(last.last_failure.unwrap().message, "the run took too long");
    let begin = world.clock.now();
    let row = StartOptions {
        run_timeout: Some(seconds(5)),
        execution_timeout: Some(seconds(14)),
        retry: Some(RetryPolicy::default()),
        ..options("b")
    };
    host.try_begin(row, vec![]).await.unwrap();
    assert_eq!(host.end("b").await, Outcome::TimedOut);
    assert_eq!(world.clock.now().since(begin), seconds(14));
}

#[tokio::test]
async fn runs_are_listed_by_page_and_filter() {
    let world = waiting();
    let host = world.host().await;
    for id in ["a1", "a2", "b1", "b2", "b3"] {
        host.begin(id, vec![]).await;
    }
    host.send("a2", "go", vec![]).await;
    host.end("a2").await;
    let ids = |filter: Filter| {
        let host = &host;
        async move {
            let page = host.list(filter).await.unwrap();
            (page.runs.into_iter().map(|run| run.workflow_id).collect::<Vec<_>>(), page.next)
        }
    };
    let (first, next) = ids(Filter { limit: 3, ..Filter::default() }).await;
    assert_eq!(first, ["b3", "b2", "b1"]);
    let (second, end) = ids(Filter { limit: 3, after: next, ..Filter::default() }).await;
    assert_eq!((second, end), (vec!["a2".to_owned(), "a1".to_owned()], None));
    let nowhere = Filter { after: Some("b1".into()), ..Filter::default() };
    assert_eq!(host.list(nowhere).await.unwrap_err().message, "`b1` is not where a page ended");
    let prefix = Filter { id_prefix: Some("a".into()), ..Filter::default() };
    assert_eq!(ids(Filter { status: Some(Status::Completed), ..prefix.clone() }).await.0, ["a2"]);
    assert_eq!(ids(Filter { workflow_type: Some("main".into()), ..prefix.clone() }).await.0, ["a2", "a1"]);
    assert!(ids(Filter { workflow_type: Some("other".into()), ..prefix }).await.0.is_empty());
}

#[tokio::test]
async fn closed_runs_are_forgotten_in_time() {
    let world = waiting();
    let host = world.host_with(Settings { retention: Some(seconds(100)), ..world.settings() }).await;
    for id in ["a", "b"] {
        host.begin(id, vec![]).await;
        host.send(id, "go", vec![]).await;
        // Not by `end`, which lets time go.
        host.result(Target::from(id)).await.unwrap();
        host.pass(seconds(60)).await;
    }
    let page = host.list(Filter::default()).await.unwrap();
    assert_eq!(page.runs.iter().map(|run| run.workflow_id.as_str()).collect::<BTreeSet<_>>(), ["b"].into());
    host.pass(seconds(51)).await;
    assert_eq!(host.history(Target::from("b")).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let world = waiting();
    let host = world.host().await;
    let large = Value::String(vec![0; 3 << 20]);
    assert_eq!(
        host.try_begin(options("a"), vec![large.clone()]).await.unwrap_err().code,
        Code::PayloadTooLarge
    );
    host.begin("a", vec![]).await;
    let signal = Signal { name: "go".into(), args: vec![large], ..Signal::default() };
    assert_eq!(host.signal(Target::from("a"), signal).await.unwrap_err().code, Code::PayloadTooLarge);
}

#[tokio::test]
async fn a_long_history_suggests_to_continue_and_ends_in_the_end() {
    let world = World::with(|flow| async move {
        let heeds = !flow.args().is_empty();
        while !(heeds && flow.suggested()) {
            flow.sleep(seconds(1)).await;
        }
        Ok(Value::Nil)
    });
    let settings = Settings { suggested_events: 100, most_events: 200, ..world.settings() };
    let host = world.host_with(settings).await;
    host.begin("a", vec![Value::Nil]).await;
    assert_eq!(host.end("a").await, completed(Value::Nil));
    assert!((100..110).contains(&host.names("a").await.len()));
    host.begin("b", vec![]).await;
    let Outcome::Failed(failure) = host.end("b").await else { panic!() };
    assert_eq!(failure.details.unwrap().get("code"), Some(&"WF_HISTORY_TOO_LONG".into()));
    let length = host.names("b").await.len() - 1;
    let bytes = failure.message.split(' ').nth(6).unwrap();
    assert_eq!(
        failure.message,
        format!(
            "the history has {length} events of {bytes} bytes, and 200 events or 52428800 bytes are the most; continue as new \
             earlier (`process.upgrade`), when `workflow.history_length()` says so"
        )
    );
}
