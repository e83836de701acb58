//! Workflows and other workflows.

use crate::script::{End, outcome};
use crate::world::{World, completed, seconds};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Backend, ChildCancellation, ChildOptions, Outcome, ParentClosePolicy, Resolution, StartOptions, Status,
    Target,
};

fn named(id: &str) -> ChildOptions {
    let start = StartOptions { id: Some(id.to_owned()), ..StartOptions::default() };
    ChildOptions { start, ..ChildOptions::default() }
}

#[tokio::test]
async fn a_child_gives_its_result_to_its_parent() {
    let world = World::with(|flow| async move {
        let (_, started, end) = flow.child("child", vec![Value::Integer(4)], named("c"));
        started.await?;
        Ok(outcome(end.await)?)
    });
    world.programs.put("child", |flow| async move {
        flow.sleep(seconds(3)).await;
        assert_eq!(flow.start().parent.unwrap().workflow_id, "a");
        Ok(flow.args().remove(0))
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed(Value::Integer(4)));
    assert_eq!(host.end("c").await, completed(Value::Integer(4)));
}

#[tokio::test]
async fn a_parent_hears_of_the_whole_row_of_its_child() {
    let world =
        World::with(|flow| async move { Ok(outcome(flow.child("child", vec![], named("c")).2.await)?) });
    world.programs.put("child", |flow| async move {
        if flow.args().is_empty() {
            let next = perilune_workflow::ContinueAsNew::new(vec!["second".into()]);
            return Err(End::Again(Box::new(next)));
        }
        Ok(flow.args().remove(0))
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed("second"));
}

#[tokio::test]
async fn the_failure_of_a_child_is_its_own() {
    let world = World::with(|flow| async move {
        match flow.child("child", vec![], named("c")).2.await {
            Resolution::Failed(failure) => Ok(failure.into()),
            other => panic!("{other:?}"),
        }
    });
    world.programs.put("child", |_| async { Err(End::Fail(Failure::invalid("bad"))) });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed(Failure::invalid("bad")));
}

#[tokio::test]
async fn a_parent_hears_why_its_child_was_terminated() {
    let world = World::with(|flow| async move {
        match flow.child("child", vec![], named("c")).2.await {
            Resolution::Failed(failure) | Resolution::Cancelled(failure) => Ok(failure.into()),
            other => panic!("{other:?}"),
        }
    });
    world.programs.put("child", |flow| async move {
        flow.receive("never").await;
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.pass(seconds(1)).await;
    host.terminate(Target::from("c"), "enough").await.unwrap();
    let failure =
        Failure::new(Kind::Canceled, "the child `c` was terminated").with_detail("reason", "enough");
    assert_eq!(host.end("a").await, completed(failure));
}

#[tokio::test]
async fn a_child_that_cannot_be_started_is_an_error() {
    let world = World::with(|flow| async move {
        let taken = flow.child("main", vec![], named("a")).1.await.unwrap_err();
        let unknown = flow.child("nobody", vec![], named("c")).1.await.unwrap_err();
        assert_eq!((&taken.kind, &unknown.kind), (&Kind::AlreadyExists, &Kind::NotFound));
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed(Value::Nil));
}

#[tokio::test]
async fn a_cancelled_child_is_seen_as_its_options_say() {
    for (cancellation, text, took, status) in [
        (ChildCancellation::TryCancel, "the child was cancelled", 0, Status::Canceled),
        (ChildCancellation::WaitCancellationRequested, "the child was cancelled", 0, Status::Canceled),
        (ChildCancellation::WaitCancellationCompleted, "the child `c` was cancelled", 5, Status::Canceled),
        (ChildCancellation::Abandon, "the child was cancelled", 0, Status::Running),
    ] {
        let world = World::with(move |flow| async move {
            let options =
                ChildOptions { cancellation, parent_close: ParentClosePolicy::Abandon, ..named("c") };
            let (seq, started, end) = flow.child("child", vec![], options);
            started.await?;
            let begin = flow.now();
            flow.cancel_child(seq);
            let Resolution::Cancelled(failure) = end.await else { panic!() };
            let took = i64::try_from(flow.now().since(begin).as_secs()).unwrap();
            Ok(Value::Array(vec![failure.message.into(), Value::Integer(took)]))
        });
        world.programs.put("child", |flow| async move {
            flow.cancelled().await;
            flow.sleep(seconds(5)).await;
            Err(End::Cancelled(None))
        });
        let host = world.host().await;
        host.begin("a", vec![]).await;
        assert_eq!(
            host.end("a").await,
            completed(vec![text.into(), Value::Integer(took)]),
            "{cancellation:?}"
        );
        host.pass(seconds(10)).await;
        assert_eq!(
            host.describe(Target::from("c")).await.unwrap().summary.status,
            status,
            "{cancellation:?}"
        );
    }
}

#[tokio::test]
async fn children_are_left_as_their_policy_says() {
    for (parent_close, status) in [
        (ParentClosePolicy::Terminate, Status::Terminated),
        (ParentClosePolicy::RequestCancel, Status::Canceled),
        (ParentClosePolicy::Abandon, Status::Completed),
    ] {
        // The parent continues as new once: its child belongs to the whole row.
        let world = World::with(move |flow| async move {
            if flow.args().is_empty() {
                flow.child("child", vec![], ChildOptions { parent_close, ..named("c") }).1.await?;
                let next = perilune_workflow::ContinueAsNew::new(vec![Value::Nil]);
                return Err(End::Again(Box::new(next)));
            }
            flow.sleep(seconds(1)).await;
            Ok(Value::Nil)
        });
        world.programs.put("child", |flow| async move {
            let timer = flow.timer(seconds(60)).1;
            match futures_util::future::select(flow.cancelled(), timer).await {
                futures_util::future::Either::Left(_) => Err(End::Cancelled(None)),
                futures_util::future::Either::Right(_) => Ok(Value::Nil),
            }
        });
        let host = world.host().await;
        host.begin("a", vec![]).await;
        host.end("a").await;
        let end = host.end("c").await;
        assert_eq!(host.describe(Target::from("c")).await.unwrap().summary.status, status);
        if parent_close == ParentClosePolicy::Terminate {
            assert_eq!(end, Outcome::Terminated("its parent closed".into()));
        }
    }
}

#[tokio::test]
async fn workflows_signal_and_cancel_each_other() {
    let world = World::with(|flow| async move {
        let missing = flow.signal("nobody", "go", vec![]).await.unwrap();
        assert_eq!(missing.kind, Kind::NotFound);
        assert_eq!(missing.message, "no run of the workflow `nobody` is open");
        assert_eq!(flow.cancel_other("nobody").await.unwrap().kind, Kind::NotFound);
        assert_eq!(flow.signal("b", "go", vec![Value::Integer(1)]).await, None);
        assert_eq!(flow.signal("a", "self", vec![Value::Integer(2)]).await, None);
        assert_eq!(flow.receive("self").await, [Value::Integer(2)]);
        assert_eq!(flow.cancel_other("b").await, None);
        Ok(Value::Nil)
    });
    world.programs.put("other", |flow| async move {
        let got = flow.receive("go").await;
        flow.cancelled().await;
        Ok(Value::Array(got))
    });
    let host = world.host().await;
    let options = StartOptions { id: Some("b".into()), ..StartOptions::default() };
    host.start("other", vec![], options).await.unwrap();
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed(Value::Nil));
    assert_eq!(host.end("b").await, completed(vec![Value::Integer(1)]));
}
