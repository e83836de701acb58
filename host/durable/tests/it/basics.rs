//! What a workflow can do.

use crate::script::End;
use crate::world::{World, completed, seconds};
use perilune_value::Value;
use perilune_workflow::{Backend, Code, Fields, Outcome, StartOptions, Status, Target};

#[tokio::test]
async fn a_workflow_gives_its_result() {
    let world = World::with(|flow| async move { Ok(flow.args().remove(0)) });
    let host = world.host().await;
    let started = host.begin("a", vec![Value::Integer(7)]).await;
    assert!(started.is_new);
    assert_eq!(host.end("a").await, completed(Value::Integer(7)));
    assert_eq!(
        host.names("a").await,
        ["WorkflowExecutionStarted", "WorkflowTaskCompleted", "WorkflowExecutionCompleted"]
    );
}

#[tokio::test]
async fn a_workflow_fails_with_its_failure() {
    let world = World::with(|_| async { Err(End::Fail(perilune_value::Failure::invalid("no"))) });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, Outcome::Failed(perilune_value::Failure::invalid("no")));
}

#[tokio::test]
async fn timers_take_their_time_and_no_real_one() {
    let world = World::with(|flow| async move {
        let before = flow.now();
        flow.sleep(seconds(86_400)).await;
        Ok(Value::Integer(i64::try_from(flow.now().since(before).as_secs()).unwrap()))
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed(Value::Integer(86_400)));
}

#[tokio::test]
async fn activities_give_results() {
    let world = World::with(|flow| async move { Ok(flow.call("echo", vec!["hi".into()]).await?) });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed("hi"));
    assert_eq!(
        host.names("a").await,
        [
            "WorkflowExecutionStarted",
            "WorkflowTaskCompleted",
            "ActivityTaskScheduled",
            "ActivityTaskStarted",
            "ActivityTaskCompleted",
            "WorkflowTaskCompleted",
            "WorkflowExecutionCompleted"
        ]
    );
}

#[tokio::test]
async fn signals_arrive_in_order() {
    let world = World::with(|flow| async move {
        let (one, two) = (flow.receive("go").await, flow.receive("go").await);
        Ok(Value::Array([one, two].concat()))
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.send("a", "go", vec![Value::Integer(1)]).await;
    host.send("a", "go", vec![Value::Integer(2)]).await;
    assert_eq!(host.end("a").await, completed(vec![Value::Integer(1), Value::Integer(2)]));
}

#[tokio::test]
async fn queries_are_answered_open_closed_and_after_a_restart() {
    let world = World::with(|flow| async move {
        flow.show(Value::Integer(1));
        flow.receive("go").await;
        flow.show(Value::Integer(2));
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.ask("a", "state").await, Ok(Value::Integer(1)));
    host.stop().await;
    let host = world.host().await;
    assert_eq!(host.ask("a", "state").await, Ok(Value::Integer(1)));
    assert_eq!(host.ask("a", "nonsense").await.unwrap_err().failure.unwrap().message, "no query `nonsense`");
    host.send("a", "go", vec![]).await;
    host.end("a").await;
    assert_eq!(host.ask("a", "state").await, Ok(Value::Integer(2)));
}

#[tokio::test]
async fn a_query_cannot_change_anything() {
    let world = World::with(|flow| async move {
        flow.show(Value::Integer(1));
        flow.receive("go").await;
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.ask("a", "naughty").await.unwrap_err().code, Code::QueryChangedState);
    assert_eq!(host.ask("a", "state").await, Ok(Value::Integer(1)));
    assert_eq!(host.names("a").await, ["WorkflowExecutionStarted", "WorkflowTaskCompleted"]);
}

#[tokio::test]
async fn updates_are_accepted_and_answered_once() {
    let world = World::with(|flow| async move {
        let sum = std::sync::Arc::new(std::sync::Mutex::new(0));
        let total = sum.clone();
        flow.on_update(move |flow, _, args| {
            let sum = sum.clone();
            async move {
                flow.sleep(seconds(5)).await;
                let mut sum = sum.lock().unwrap();
                *sum += args[0].as_integer().unwrap();
                Ok(Value::Integer(*sum))
            }
        });
        flow.receive("stop").await;
        let total = *total.lock().unwrap();
        Ok(Value::Integer(total))
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.invoke("a", "u1", "add", 3).await, Ok(Value::Integer(3)));
    assert_eq!(host.invoke("a", "u2", "add", 4).await, Ok(Value::Integer(7)));
    assert_eq!(host.invoke("a", "u1", "add", 3).await, Ok(Value::Integer(3)));
    let error = host.invoke("a", "u3", "bad", 1).await.unwrap_err();
    assert_eq!(
        (error.code, error.failure.unwrap().message),
        (Code::UpdateRejected, "no update `bad`".to_owned())
    );
    host.stop().await;
    let host = world.host().await;
    assert_eq!(host.invoke("a", "u2", "add", 4).await, Ok(Value::Integer(7)));
    host.send("a", "stop", vec![]).await;
    assert_eq!(host.end("a").await, completed(Value::Integer(7)));
}

#[tokio::test]
async fn a_rejected_update_leaves_no_trace() {
    let world = World::with(|flow| async move {
        flow.receive("stop").await;
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.invoke("a", "u", "bad", 1).await.unwrap_err().code, Code::UpdateRejected);
    assert_eq!(host.names("a").await, ["WorkflowExecutionStarted", "WorkflowTaskCompleted"]);
}

#[tokio::test]
async fn a_cancelled_workflow_decides_itself() {
    let world = World::with(|flow| async move {
        let reason = flow.cancelled().await;
        flow.call("echo", vec!["tidy".into()]).await?;
        Err(End::Cancelled(Some(reason.into())))
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.cancel(Target::from("a"), "enough").await.unwrap();
    host.cancel(Target::from("a"), "again").await.unwrap();
    assert_eq!(host.end("a").await, Outcome::Canceled(Some("enough".into())));
}

#[tokio::test]
async fn a_terminated_workflow_is_not_asked() {
    let world = World::with(|flow| async move {
        flow.sleep(seconds(10)).await;
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.terminate(Target::from("a"), "enough").await.unwrap();
    assert_eq!(host.end("a").await, Outcome::Terminated("enough".into()));
    assert_eq!(host.cancel(Target::from("a"), "x").await.unwrap_err().code, Code::Closed);
    assert_eq!(host.cancel(Target::from("b"), "x").await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_workflow_continues_as_new_and_keeps_what_it_shows() {
    let world = World::with(|flow| async move {
        let round = flow.args()[0].as_integer().unwrap();
        if round == 3 {
            return Ok(Value::Integer(round));
        }
        flow.upsert(false, Fields::from([("round".to_owned(), Value::Integer(round))]));
        let next = perilune_workflow::ContinueAsNew::new(vec![Value::Integer(round + 1)]);
        Err(End::Again(Box::new(next)))
    });
    let host = world.host().await;
    let first = host.begin("a", vec![Value::Integer(0)]).await;
    assert_eq!(host.end("a").await, completed(Value::Integer(3)));
    let last = host.describe(Target::from("a")).await.unwrap();
    assert_eq!(last.summary.memo["round"], Value::Integer(2));
    let first = Target { workflow_id: "a".into(), run_id: Some(first.run_id) };
    assert_eq!(host.describe(first.clone()).await.unwrap().summary.status, Status::ContinuedAsNew);
    assert_eq!(host.result(first).await.unwrap(), completed(Value::Integer(3)));
}

#[tokio::test]
async fn side_effects_happen_once() {
    let count = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(0));
    let made = count.clone();
    let world = World::with(move |flow| {
        let made = made.clone();
        async move {
            let value =
                flow.side_effect(|| Value::Integer(made.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
            flow.receive("go").await;
            Ok(value)
        }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.ask("a", "state").await.unwrap();
    host.stop().await;
    let host = world.host().await;
    host.send("a", "go", vec![]).await;
    assert_eq!(host.end("a").await, completed(Value::Integer(0)));
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn memo_and_search_attributes_are_shown() {
    let world = World::with(|flow| async move {
        flow.upsert(true, Fields::from([("city".to_owned(), "Bonn".into()), ("old".to_owned(), Value::Nil)]));
        flow.receive("go").await;
        Ok(Value::Nil)
    });
    let host = world.host().await;
    let options = StartOptions {
        id: Some("a".into()),
        memo: Fields::from([("note".to_owned(), "x".into())]),
        search_attributes: Fields::from([("old".to_owned(), Value::Integer(1))]),
        ..StartOptions::default()
    };
    host.try_begin(options, vec![]).await.unwrap();
    host.ask("a", "state").await.unwrap();
    host.stop().await;
    let host = world.host().await;
    let summary = host.describe(Target::from("a")).await.unwrap().summary;
    assert_eq!(summary.memo, Fields::from([("note".to_owned(), "x".into())]));
    assert_eq!(summary.search_attributes, Fields::from([("city".to_owned(), "Bonn".into())]));
}
