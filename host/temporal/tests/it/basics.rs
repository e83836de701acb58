//! One workflow, from start to end.

use crate::support::script::{Deeds, Scripts, answer};
use crate::support::{World, map, until, within};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Backend, Code, CommandKind, ConflictPolicy, ContinueAsNew, Fields, Filter, Job, Outcome, QueryRequest,
    Signal, StartOptions, Status, Target, UpdateRequest,
};
use std::time::Duration;

/// Waits for a moment, then gives back its first argument.
pub(crate) fn echo() -> impl FnMut(&Job, &perilune_workflow::Activation, &mut Vec<CommandKind>) + Send {
    let mut arg = Value::Nil;
    move |job, _, out| match job {
        Job::Start(start) => {
            arg = start.args.first().cloned().unwrap_or_default();
            out.push(CommandKind::StartTimer { seq: 1, after: Duration::from_millis(10) });
        }
        Job::FireTimer { .. } => out.push(CommandKind::Complete(arg.clone())),
        _ => {}
    }
}

/// Keeps signals until one is named `end`; answers queries and updates.
pub(crate) fn mailbox() -> impl FnMut(&Job, &perilune_workflow::Activation, &mut Vec<CommandKind>) + Send {
    let mut seen: Vec<Value> = Vec::new();
    move |job, _, out| match job {
        Job::Signal(signal) if signal.name == "end" => out.push(CommandKind::Complete(seen.clone().into())),
        Job::Signal(signal) => {
            let sender = signal.sender.clone().map_or(Value::Nil, Value::from);
            seen.push(map([
                ("name", signal.name.as_str().into()),
                ("arg", signal.args.first().cloned().unwrap_or_default()),
                ("from", sender),
            ]));
        }
        Job::Query { id, name, .. } if name == "count" => out.push(answer(id, seen.len() as i64)),
        Job::Query { id, name, .. } => out.push(CommandKind::AnswerQuery(perilune_workflow::Answer {
            id: id.clone(),
            outcome: Err(Failure::not_found(format!("no query `{name}`"))),
        })),
        Job::Update { id, name, args, .. } => match name.as_str() {
            "add" => {
                seen.push(args[0].clone());
                out.push(CommandKind::AcceptUpdate { id: id.clone() });
                out.push(CommandKind::CompleteUpdate {
                    id: id.clone(),
                    outcome: Ok((seen.len() as i64).into()),
                });
            }
            "fail" => {
                out.push(CommandKind::AcceptUpdate { id: id.clone() });
                let failure = Failure::new(Kind::Conflict, "too late").with_detail("by", 3);
                out.push(CommandKind::CompleteUpdate { id: id.clone(), outcome: Err(failure) });
            }
            _ => out.push(CommandKind::RejectUpdate {
                id: id.clone(),
                failure: Failure::not_found(format!("no update `{name}`")),
            }),
        },
        Job::Cancel { reason } => out.push(CommandKind::Cancelled(Some(reason.as_str().into()))),
        _ => {}
    }
}

#[tokio::test]
async fn a_workflow_gives_its_result_and_is_found() {
    let Some(world) = World::new(Scripts::default().with("echo", echo), Deeds::default()).await else {
        return;
    };
    let arg = map([("list", vec![Value::Bool(true)].into()), ("n", 7.into()), ("x", 2.0.into())]);
    let options = StartOptions {
        id: Some("it's one".to_owned()),
        memo: Fields::from([("note".to_owned(), "hello".into())]),
        search_attributes: Fields::from([("Customer".to_owned(), "c1".into())]),
        execution_timeout: Some(Duration::from_secs(100)),
        ..StartOptions::default()
    };
    let started = world.backend.start("echo", vec![arg.clone()], options).await.unwrap();
    assert!(started.is_new);
    assert_eq!(world.result("it's one").await, Outcome::Completed(arg));

    let target = Target::from("it's one");
    let description = world.backend.describe(target.clone()).await.unwrap();
    assert_eq!(description.summary.status, Status::Completed);
    assert_eq!(description.summary.workflow_type, "echo");
    assert_eq!(description.summary.run_id, started.run_id);
    assert_eq!(description.summary.memo["note"], "hello".into());
    assert_eq!(description.summary.search_attributes["Customer"], "c1".into());
    assert_eq!((description.timers, description.children, description.trouble), (0, 0, None));

    let filter = Filter {
        workflow_type: Some("echo".to_owned()),
        status: Some(Status::Completed),
        id_prefix: Some("it's".to_owned()),
        ..Filter::default()
    };
    // The server's index follows a moment later.
    let page = until(async || {
        Some(world.backend.list(filter.clone()).await.unwrap()).filter(|page| !page.runs.is_empty())
    })
    .await;
    assert_eq!(page.runs[0].run_id, started.run_id);

    let events = world.backend.history(target).await.unwrap();
    let names: Vec<_> = events.iter().map(|event| event.kind.name()).collect();
    assert_eq!(
        names,
        [
            "WorkflowExecutionStarted",
            "WorkflowTaskCompleted",
            "TimerStarted",
            "TimerFired",
            "WorkflowTaskCompleted",
            "WorkflowExecutionCompleted"
        ]
    );
    assert_eq!(events[2].position.as_deref(), Some("app:test:7"));
    world.end().await;
}

#[tokio::test]
async fn signals_queries_and_updates_reach_a_run() {
    let Some(world) = World::new(Scripts::default().with("mailbox", mailbox), Deeds::default()).await else {
        return;
    };
    let target = world.start("mailbox", "m", vec![]).await;
    let signal = Signal {
        name: "topic".to_owned(),
        args: vec![5.into()],
        sender: Some("{node@app:x|1}".to_owned()),
        ..Signal::default()
    };
    world.backend.signal(target.clone(), signal).await.unwrap();
    let ask = |name: &str| QueryRequest { name: name.to_owned(), args: vec![] };
    assert_eq!(within(world.backend.query(target.clone(), ask("count"))).await.unwrap(), 1.into());
    let refused = within(world.backend.query(target.clone(), ask("nothing"))).await.unwrap_err();
    let failure = refused.into_failure();
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, "no query `nothing`"));

    let call = |id: Option<&str>, name: &str| UpdateRequest {
        id: id.map(str::to_owned),
        name: name.to_owned(),
        args: vec!["a".into()],
        headers: Fields::new(),
    };
    assert_eq!(within(world.backend.update(target.clone(), call(Some("u"), "add"))).await.unwrap(), 2.into());
    // The same update twice is one.
    assert_eq!(within(world.backend.update(target.clone(), call(Some("u"), "add"))).await.unwrap(), 2.into());
    let failed = within(world.backend.update(target.clone(), call(None, "fail"))).await.unwrap_err();
    assert_eq!(failed.code, Code::UpdateRejected);
    assert_eq!(*failed.failure.unwrap(), Failure::new(Kind::Conflict, "too late").with_detail("by", 3));
    let rejected = within(world.backend.update(target.clone(), call(None, "what"))).await.unwrap_err();
    assert_eq!(rejected.code, Code::UpdateRejected);
    assert_eq!(rejected.failure.unwrap().kind, Kind::NotFound);

    world
        .backend
        .signal(target.clone(), Signal { name: "end".to_owned(), ..Signal::default() })
        .await
        .unwrap();
    let first = map([("name", "topic".into()), ("arg", 5.into()), ("from", "{node@app:x|1}".into())]);
    let Outcome::Completed(Value::Array(seen)) = world.result("m").await else { panic!("no list") };
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].get("from"), first.get("from"));
    assert_eq!(seen[1], "a".into());
    let late =
        world.backend.signal(target, Signal { name: "late".into(), ..Signal::default() }).await.unwrap_err();
    assert_eq!(late.code, Code::Closed, "{late}");
    let nobody = world
        .backend
        .signal(Target::from("nobody"), Signal { name: "x".into(), ..Signal::default() })
        .await
        .unwrap_err();
    assert_eq!(nobody.code, Code::NotFound, "{nobody}");
    world.end().await;
}

#[tokio::test]
async fn runs_are_cancelled_and_terminated() {
    let Some(world) = World::new(Scripts::default().with("mailbox", mailbox), Deeds::default()).await else {
        return;
    };
    let asked = world.start("mailbox", "asked", vec![]).await;
    world.backend.cancel(asked, "enough").await.unwrap();
    assert_eq!(world.result("asked").await, Outcome::Canceled(Some("enough".into())));
    let killed = world.start("mailbox", "killed", vec![]).await;
    world.backend.terminate(killed.clone(), "now").await.unwrap();
    assert_eq!(world.result("killed").await, Outcome::Terminated("now".to_owned()));
    assert_eq!(world.backend.describe(killed).await.unwrap().summary.status, Status::Terminated);
    world.end().await;
}

#[tokio::test]
async fn a_second_start_follows_the_conflict_policy() {
    let Some(world) = World::new(Scripts::default().with("mailbox", mailbox), Deeds::default()).await else {
        return;
    };
    let first = world.start("mailbox", "one", vec![]).await;
    let start = |conflict, signals| {
        let options =
            StartOptions { id: Some("one".to_owned()), conflict, signals, ..StartOptions::default() };
        world.backend.start("mailbox", vec![], options)
    };
    let refused = start(ConflictPolicy::Fail, vec![]).await.unwrap_err();
    assert_eq!(refused.code, Code::AlreadyStarted, "{refused}");
    assert_eq!(refused.message, "workflow `one` is open, or may not be started again");
    let elsewhere = Target {
        workflow_id: "one".to_owned(),
        run_id: Some("00000000-0000-4000-8000-000000000000".to_owned()),
    };
    assert_eq!(
        world.backend.describe(elsewhere).await.unwrap_err().message,
        "there is no workflow `one`, run `00000000-0000-4000-8000-000000000000`"
    );
    let signals = vec![
        Signal { name: "a".into(), ..Signal::default() },
        Signal { name: "b".into(), ..Signal::default() },
    ];
    let existing = start(ConflictPolicy::UseExisting, signals).await.unwrap();
    assert_eq!((existing.is_new, Some(existing.run_id)), (false, first.run_id.clone()));
    let count = QueryRequest { name: "count".to_owned(), args: vec![] };
    assert_eq!(within(world.backend.query(first.clone(), count)).await.unwrap(), 2.into());
    let new = start(ConflictPolicy::TerminateExisting, vec![]).await.unwrap();
    assert!(new.is_new && Some(&new.run_id) != first.run_id.as_ref());
    world.end().await;
}

#[tokio::test]
async fn a_run_continues_as_new_with_its_headers() {
    let script = || {
        move |job: &Job, _: &perilune_workflow::Activation, out: &mut Vec<CommandKind>| {
            let Job::Start(start) = job else { return };
            let n = start.args[0].as_integer().unwrap();
            out.push(if n < 3 {
                CommandKind::ContinueAsNew(Box::new(ContinueAsNew::new(vec![(n + 1).into()])))
            } else {
                let first = start.first_run_id != start.run_id && start.continued_from.is_some();
                CommandKind::Complete(vec![n.into(), start.headers["who"].clone(), first.into()].into())
            });
        }
    };
    let Some(world) = World::new(Scripts::default().with("row", script), Deeds::default()).await else {
        return;
    };
    let options = StartOptions {
        id: Some("row".to_owned()),
        headers: Fields::from([("who".to_owned(), "me".into())]),
        ..StartOptions::default()
    };
    let started = world.backend.start("row", vec![0.into()], options).await.unwrap();
    let first = Target { workflow_id: "row".to_owned(), run_id: Some(started.run_id) };
    let outcome = within(world.backend.result(first.clone())).await.unwrap();
    assert_eq!(outcome, Outcome::Completed(vec![3.into(), "me".into(), Value::Bool(true)].into()));
    let description = world.backend.describe(first).await.unwrap();
    assert_eq!(description.summary.status, Status::ContinuedAsNew);
    assert!(description.next_run_id.is_some());
    world.end().await;
}

#[tokio::test]
async fn failures_arrive_whole() {
    let mut failure = Failure::new(Kind::from("Shipping"), "no ship").with_detail("port", "Kiel");
    failure.retryable = None;
    failure.stack = Some("app:x:3: in main".to_owned());
    let thrown = failure.clone();
    let script = move || {
        let thrown = thrown.clone();
        move |job: &Job, _: &perilune_workflow::Activation, out: &mut Vec<CommandKind>| {
            if matches!(job, Job::Start(_)) {
                out.push(CommandKind::Fail(thrown.clone()));
            }
        }
    };
    let Some(world) = World::new(Scripts::default().with("sink", script), Deeds::default()).await else {
        return;
    };
    world.start("sink", "s", vec![]).await;
    assert_eq!(world.result("s").await, Outcome::Failed(failure));
    world.end().await;
}
