//! Code that does not get on, and stores that tell too little: runs wait, are seen, and are not lost.

use crate::script::End;
use crate::world::{World, completed, seconds};
use perilune_durable::{Difference, Settings, replay};
use perilune_value::{Failure, Value};
use perilune_workflow::{Answer, Backend, Code, CommandKind, Outcome, Target, TaskFailure, UpdateRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[tokio::test]
async fn a_machine_that_breaks_is_tried_again_with_growing_waits() {
    let tries = Arc::new(AtomicUsize::new(0));
    let tried = tries.clone();
    let world = World::with(move |flow| {
        let tried = tried.clone();
        async move {
            match tried.fetch_add(1, Ordering::Relaxed) {
                0 => Err(End::Trap(TaskFailure::new(Failure::internal("out of fuel")))),
                1 => Err(End::Panic),
                _ => Ok(Value::Integer(flow.now().seconds())),
            }
        }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    let begin = host.describe(Target::from("a")).await.unwrap().summary.started_at.seconds();
    assert_eq!(host.end("a").await, completed(Value::Integer(begin + 3)));
    assert_eq!(
        host.names("a").await,
        [
            "WorkflowExecutionStarted",
            "WorkflowTaskFailed",
            "WorkflowTaskCompleted",
            "WorkflowExecutionCompleted"
        ]
    );
}

#[tokio::test]
async fn a_poison_workflow_is_seen_and_can_be_terminated() {
    let world = World::with(|_| async { Err(End::Trap(TaskFailure::new(Failure::internal("out of fuel")))) });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.pass(seconds(10)).await;
    let trouble = host.describe(Target::from("a")).await.unwrap().trouble.unwrap();
    assert_eq!((trouble.code.as_str(), trouble.attempts), ("WF_TASK_FAILED", 4));
    assert_eq!(trouble.failure.message, "out of fuel");
    let refused = host.ask("a", "state").await.unwrap_err();
    assert_eq!(refused.code, Code::TaskFailed);
    assert_eq!(refused.message, "the workflow's code fails: out of fuel");
    host.terminate(Target::from("a"), "poison").await.unwrap();
    assert_eq!(host.end("a").await, Outcome::Terminated("poison".into()));
}

#[tokio::test]
async fn an_activation_without_end_is_cut_off() {
    let world = World::new();
    struct Endless;
    impl perilune_workflow::Machine for Endless {
        fn activate(
            &mut self,
            _: perilune_workflow::Activation,
        ) -> futures_util::future::BoxFuture<'_, Result<Vec<perilune_workflow::Command>, TaskFailure>>
        {
            Box::pin(std::future::pending())
        }
    }
    impl perilune_workflow::Machines for Endless {
        fn knows(&self, _: &str) -> bool {
            true
        }
        fn create<'a>(
            &'a self,
            _: &'a str,
            _: &'a str,
        ) -> futures_util::future::BoxFuture<'a, Result<Box<dyn perilune_workflow::Machine>, TaskFailure>>
        {
            Box::pin(async { Ok(Box::new(Endless) as Box<dyn perilune_workflow::Machine>) })
        }
    }
    let settings = Settings { task_timeout: Duration::from_millis(10), ..world.settings() };
    let host = perilune_durable::Durable::open(settings, Arc::new(Endless), Arc::new(world.works.clone()))
        .await
        .unwrap();
    host.start("any", vec![], perilune_workflow::StartOptions { id: Some("a".into()), ..Default::default() })
        .await
        .unwrap();
    loop {
        if let Some(trouble) = host.describe(Target::from("a")).await.unwrap().trouble {
            assert_eq!(trouble.code, "WF_TASK_TIMEOUT");
            let said = "an activation took more than 10ms; a workflow leaves long work to activities";
            assert_eq!(trouble.failure.message, said);
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_unknown_type_is_refused_and_waited_for() {
    let world = World::with(|flow| async move {
        flow.receive("go").await;
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.ask("a", "state").await.unwrap();
    let error = host.start("nobody", vec![], Default::default()).await.unwrap_err();
    assert_eq!(error.code, Code::UnknownType);
    assert_eq!(error.message, "there is no workflow `nobody`; check the entry's id and its worker");
    host.stop().await;
    world.programs.remove("main");
    let host = world.host().await;
    host.send("a", "go", vec![]).await;
    host.pass(seconds(5)).await;
    assert_eq!(host.describe(Target::from("a")).await.unwrap().trouble.unwrap().code, "WF_UNKNOWN_TYPE");
    world.programs.put("main", |flow| async move {
        flow.receive("go").await;
        Ok(Value::Integer(1))
    });
    assert_eq!(host.end("a").await, completed(Value::Integer(1)));
}

#[tokio::test]
async fn changed_code_parks_its_runs_until_it_is_changed_back() {
    let old = |flow: crate::script::Flow| async move {
        flow.call("echo", vec![Value::Integer(1)]).await?;
        flow.receive("go").await;
        Ok(Value::from("old"))
    };
    let world = World::with(old);
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.pass(seconds(1)).await;
    host.stop().await;
    world.programs.put("main", |flow| async move {
        flow.sleep(seconds(1)).await;
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.send("a", "go", vec![]).await;
    host.pass(seconds(1)).await;
    let trouble = host.describe(Target::from("a")).await.unwrap().trouble.unwrap();
    assert_eq!(trouble.code, "WF_NONDETERMINISM");
    assert_eq!(
        trouble.failure.message,
        "[WF_NONDETERMINISM] event 3: the history has ActivityTaskScheduled 1 `echo`, the code now gives TimerStarted 1 \
         (at app:script:1); bring back the old code, or guard the change with `workflow.version`"
    );
    world.programs.put("main", old);
    assert_eq!(host.end("a").await, completed("old"));
}

#[tokio::test]
async fn a_version_guards_a_change() {
    let world = World::with(|flow| async move {
        flow.receive("go").await;
        Ok(flow.call("echo", vec!["old".into()]).await?)
    });
    let host = world.host().await;
    host.begin("old", vec![]).await;
    host.ask("old", "state").await.unwrap();
    host.stop().await;
    world.programs.put("main", |flow| async move {
        let version = flow.version("greeting", 1);
        flow.receive("go").await;
        let text = if version == 1 { "new" } else { "old" };
        Ok(flow.call("echo", vec![text.into()]).await?)
    });
    let host = world.host_with(Settings { cached_machines: 0, ..world.settings() }).await;
    host.begin("new", vec![]).await;
    for id in ["old", "new"] {
        host.send(id, "go", vec![]).await;
        assert_eq!(host.end(id).await, completed(id));
    }
}

#[tokio::test]
async fn replay_names_the_first_difference() {
    let world = World::with(|flow| async move {
        flow.sleep(seconds(1)).await;
        Ok(flow.call("echo", vec![Value::Integer(1)]).await?)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.end("a").await;
    let history = host.history(Target::from("a")).await.unwrap();
    let check = |name: &'static str| {
        let (mut machine, history) = (world.programs.machine(name).unwrap(), history.clone());
        async move { replay(&history, &mut *machine).await }
    };
    assert_eq!(check("main").await, Ok(()));
    world.programs.put("other argument", |flow| async move {
        flow.sleep(seconds(1)).await;
        Ok(flow.call("echo", vec![Value::Integer(2)]).await?)
    });
    let Err(Difference::Nondeterminism { event_id, position, .. }) = check("other argument").await else {
        panic!()
    };
    assert_eq!((event_id, position.as_deref()), (6, Some("app:script:2")));
    world.programs.put("less", |flow| async move {
        flow.sleep(seconds(1)).await;
        std::future::pending().await
    });
    let Err(Difference::Nondeterminism { expected, got, .. }) = check("less").await else { panic!() };
    assert_eq!(
        (expected.as_str(), got.as_str()),
        ("ActivityTaskScheduled 1 `echo`".replace('1', "2").as_str(), "no further command")
    );
    world.programs.put("more", |flow| async move {
        let _ = flow.timer(seconds(5));
        flow.sleep(seconds(1)).await;
        Ok(Value::Nil)
    });
    let Err(Difference::Nondeterminism { expected, got, .. }) = check("more").await else { panic!() };
    assert_eq!((expected.as_str(), got.as_str()), ("no further command", "TimerStarted 2"));
}

#[tokio::test]
async fn replay_names_markers() {
    let world = World::with(|flow| async move {
        flow.side_effect(|| Value::Integer(1));
        flow.version("greeting", 2);
        Ok(Value::Nil)
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.end("a").await;
    let history = host.history(Target::from("a")).await.unwrap();
    let difference = |name: &'static str| {
        let (mut machine, history) = (world.programs.machine(name).unwrap(), history.clone());
        async move {
            let Err(Difference::Nondeterminism { expected, got, .. }) = replay(&history, &mut *machine).await
            else {
                panic!()
            };
            (expected, got)
        }
    };
    world.programs.put("other number", |flow| async move {
        let _ = flow.timer(seconds(1));
        flow.side_effect(|| Value::Integer(1));
        Ok(Value::Nil)
    });
    world.programs.put("other effect", |flow| async move {
        flow.command(CommandKind::RecordSideEffect { seq: 9, value: Value::Integer(1) });
        Ok(Value::Nil)
    });
    world.programs.put("other version", |flow| async move {
        flow.side_effect(|| Value::Integer(1));
        flow.command(CommandKind::RecordVersion { change_id: "greeting".into(), version: 3 });
        Ok(Value::Nil)
    });
    assert_eq!(
        difference("other number").await,
        ("MarkerRecorded: side effect 1".to_owned(), "TimerStarted 1".to_owned())
    );
    assert_eq!(
        difference("other effect").await,
        ("MarkerRecorded: side effect 1".to_owned(), "MarkerRecorded: side effect 9".to_owned())
    );
    assert_eq!(
        difference("other version").await,
        (
            "MarkerRecorded: version 2 of `greeting`".to_owned(),
            "MarkerRecorded: version 3 of `greeting`".to_owned()
        )
    );
}

#[tokio::test]
async fn a_history_without_its_start_is_none() {
    let world = World::with(|_| async { Ok(Value::Nil) });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.end("a").await;
    let history = host.history(Target::from("a")).await.unwrap();
    let mut machine = world.programs.machine("main").unwrap();
    assert_eq!(
        replay(&history[1..], &mut *machine).await.unwrap_err().to_string(),
        "[WF_STORE_CORRUPT] not a history: it does not begin with WorkflowExecutionStarted"
    );
}

/// What is said of a workflow that gives a command.
async fn said_of(command: CommandKind) -> String {
    let world = World::with(move |flow| {
        flow.command(command.clone());
        flow.command(CommandKind::StartTimer { seq: 1, after: seconds(1) });
        async { std::future::pending().await }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.pass(seconds(1)).await;
    host.describe(Target::from("a")).await.unwrap().trouble.unwrap().failure.message
}

#[tokio::test]
async fn commands_that_cannot_be_carried_out_say_why() {
    let (id, outcome) = ("u".to_owned(), Ok(Value::Nil));
    for (command, expected) in [
        (
            CommandKind::StartTimer { seq: 1, after: seconds(1) },
            "app:script:2: the number of a command is in use",
        ),
        (CommandKind::AcceptUpdate { id: id.clone() }, "app:script:1: there is no update `u` to answer"),
        (
            CommandKind::CompleteUpdate { id: id.clone(), outcome: outcome.clone() },
            "app:script:1: no update `u` was accepted",
        ),
        (CommandKind::AnswerQuery(Answer { id, outcome }), "app:script:1: nothing was asked"),
        (
            CommandKind::RecordSideEffect { seq: 1, value: Value::String(vec![0; 3 << 20]) },
            "app:script:1: the values of a command take about 3145733 bytes, and 2097152 are kept at most; keep the data \
             elsewhere, and pass where",
        ),
    ] {
        assert_eq!(said_of(command).await, expected);
    }
}

#[tokio::test]
async fn an_update_that_is_not_answered_stops_its_workflow() {
    let world = World::with(|_| async { std::future::pending().await });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    let update = UpdateRequest {
        id: Some("u".into()),
        name: "ignored".into(),
        args: vec![],
        ..UpdateRequest::default()
    };
    let asked = host.update(Target::from("a"), update);
    let seen = async {
        loop {
            if let Some(trouble) = host.describe(Target::from("a")).await.unwrap().trouble {
                break trouble.failure.message;
            }
            tokio::task::yield_now().await;
        }
    };
    let said = tokio::select! {
        answered = asked => panic!("{answered:?}"),
        said = seen => said,
    };
    assert_eq!(said, "update `u` was neither accepted nor rejected");
}

#[tokio::test]
async fn a_host_that_ends_takes_nothing_new() {
    let world = World::with(|_| async { Ok(Value::Nil) });
    let host = world.host().await;
    host.shutdown(Duration::ZERO).await;
    let error = host.try_begin(Default::default(), vec![]).await.unwrap_err();
    assert_eq!(error.code, Code::ShuttingDown);
    assert_eq!(error.message, "the host of this workflow is shutting down; ask again when it is back");
}

#[tokio::test]
async fn a_signal_that_crosses_the_end_is_not_lost() {
    // The signal comes while the machine, that does not know of it, ends its run.
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let world = World::with(|flow| async move {
        flow.receive("first").await;
        let mut got = 0;
        let mut next = flow.receive("more");
        while futures_util::FutureExt::now_or_never(&mut next).is_some() {
            got += 1;
            next = flow.receive("more");
        }
        Ok(Value::Integer(got))
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    let target = || Target::from("a");
    let signal = |name: &str| perilune_workflow::Signal { name: name.to_owned(), ..Default::default() };
    let (first, more) =
        tokio::join!(host.signal(target(), signal("first")), host.signal(target(), signal("more")));
    first.unwrap();
    let accepted = i64::from(more.is_ok());
    assert_eq!(host.end("a").await, completed(Value::Integer(accepted)));
    drop(gate);
}

#[tokio::test]
async fn machines_are_kept_within_bounds() {
    let world = World::with(|flow| async move {
        flow.receive("go").await;
        Ok(Value::Nil)
    });
    let host = world.host_with(Settings { cached_machines: 3, ..world.settings() }).await;
    for id in ["a", "b", "c", "d", "e"] {
        host.begin(id, vec![]).await;
        host.ask(id, "state").await.unwrap();
    }
    assert_eq!(host.machines_kept(), 3);
    for id in ["a", "b", "c", "d", "e"] {
        host.send(id, "go", vec![]).await;
        assert_eq!(host.end(id).await, completed(Value::Nil));
    }
    assert_eq!(host.machines_kept(), 0);
}
