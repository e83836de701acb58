//! Random programs run straight through, with a new machine for every activation, and by replay: one behaviour.

use crate::script::{End, Flow, outcome};
use crate::world::{World, seconds};
use futures_util::future::{BoxFuture, Either, select};
use perilune_durable::{Settings, replay};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    ActivityOptions, Backend, ChildOptions, Event, EventKind, Outcome, StartOptions, Target,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Sleep(u8),
    Activity {
        value: u8,
        failures: u8,
    },
    Signal(u8),
    Child(Vec<Step>),
    SideEffect(u8),
    Version,
    /// A timer against an activity that takes some time; the loser is cancelled.
    Race {
        timer: u8,
        activity: u8,
    },
    /// A timer against a signal.
    Await {
        timer: u8,
        topic: u8,
    },
    /// Both at once.
    Both(Vec<Step>, Vec<Step>),
    SignalSelf(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        (0u8..20).prop_map(Step::Sleep),
        (any::<u8>(), 0u8..3).prop_map(|(value, failures)| Step::Activity { value, failures }),
        (0u8..3).prop_map(Step::Signal),
        any::<u8>().prop_map(Step::SideEffect),
        Just(Step::Version),
        (0u8..6, 0u8..6).prop_map(|(timer, activity)| Step::Race { timer, activity }),
        (0u8..9, 0u8..3).prop_map(|(timer, topic)| Step::Await { timer, topic }),
        (0u8..3).prop_map(Step::SignalSelf),
    ];
    let step = leaf.prop_recursive(2, 12, 3, |inner| {
        let some = prop::collection::vec(inner, 1..4);
        prop_oneof![
            some.clone().prop_map(Step::Child),
            (some.clone(), some).prop_map(|(one, two)| Step::Both(one, two)),
        ]
    });
    prop::collection::vec(step, 1..7)
}

/// Runs steps one after the other; what they gave is the result.
fn perform(flow: Flow, steps: Vec<Step>) -> BoxFuture<'static, Vec<Value>> {
    Box::pin(async move {
        let mut log = Vec::new();
        for step in steps {
            log.push(one(&flow, step).await);
        }
        log
    })
}

async fn one(flow: &Flow, step: Step) -> Value {
    match step {
        Step::Sleep(time) => {
            flow.sleep(seconds(time.into())).await;
            Value::Nil
        }
        Step::Activity { value, failures } => {
            let args = vec![Value::Integer(value.into()), Value::Integer(failures.into())];
            flow.call("work", args).await.unwrap_or_else(Value::from)
        }
        Step::Signal(topic) => {
            // Somebody sends three of each topic in the end; who waits for more gives up.
            let timer = flow.timer(seconds(1000));
            match select(flow.receive(&topic.to_string()), timer.1).await {
                Either::Left((args, _)) => {
                    flow.cancel_timer(timer.0);
                    Value::Array(args)
                }
                Either::Right(_) => Value::from("gave up"),
            }
        }
        Step::Child(steps) => {
            let args = vec![Value::from(format!("{steps:?}"))];
            let id = flow.side_effect(|| Value::from(steps.len().to_string()));
            let _ = id;
            CHILDREN.lock().unwrap().insert(args[0].as_str().unwrap().to_owned(), steps);
            let (_, started, end) = flow.child("child", args, ChildOptions::default());
            match started.await {
                Ok(_) => outcome(end.await).unwrap_or_else(Value::from),
                Err(failure) => failure.into(),
            }
        }
        Step::SideEffect(value) => flow.side_effect(|| Value::Integer(value.into())),
        Step::Version => Value::Integer(flow.version("change", 1)),
        Step::Race { timer, activity } => {
            let (timer_seq, fires) = flow.timer(seconds(timer.into()));
            let args = vec![Value::Integer(activity.into())];
            let (seq, ends) = flow.activity("slow", args, ActivityOptions::default());
            match select(fires, ends).await {
                Either::Left(((), ends)) => {
                    flow.cancel_activity(seq);
                    outcome(ends.await).unwrap_or_else(Value::from)
                }
                Either::Right((end, _)) => {
                    flow.cancel_timer(timer_seq);
                    outcome(end).unwrap_or_else(Value::from)
                }
            }
        }
        Step::Await { timer, topic } => {
            let (seq, fires) = flow.timer(seconds(timer.into()));
            match select(flow.receive(&topic.to_string()), fires).await {
                Either::Left((args, _)) => {
                    flow.cancel_timer(seq);
                    Value::Array(args)
                }
                Either::Right(_) => Value::from("late"),
            }
        }
        Step::Both(one, two) => {
            let (one, two) =
                futures_util::future::join(perform(flow.clone(), one), perform(flow.clone(), two)).await;
            Value::Array(vec![Value::Array(one), Value::Array(two)])
        }
        Step::SignalSelf(topic) => {
            let id = flow.start().workflow_id;
            flow.signal(&id, &topic.to_string(), vec!["own".into()]).await.map_or(Value::Nil, Value::from)
        }
    }
}

fn one_by_one(steps: &[Step]) -> bool {
    steps.iter().all(|step| match step {
        Step::Both(..) => false,
        Step::Child(steps) => one_by_one(steps),
        _ => true,
    })
}

/// Steps of children by their text: arguments are values.
static CHILDREN: std::sync::Mutex<std::collections::BTreeMap<String, Vec<Step>>> =
    std::sync::Mutex::new(std::collections::BTreeMap::new());

fn world(steps: Vec<Step>) -> World {
    let world = World::with(move |flow| {
        let steps = steps.clone();
        async move { Ok::<_, End>(Value::Array(perform(flow, steps).await)) }
    });
    world.programs.put("child", |flow| async move {
        let steps = CHILDREN.lock().unwrap()[flow.args()[0].as_str().unwrap()].clone();
        Ok(Value::Array(perform(flow, steps).await))
    });
    world.works.put("work", |task, _| async move {
        if i64::from(task.attempt) <= task.args[1].as_integer().unwrap() {
            return Err(Failure { kind: Kind::Unavailable, ..Failure::default() });
        }
        Ok(task.args[0].clone())
    });
    let clock = world.clock.clone();
    world.works.put("slow", move |task, _| {
        let clock = clock.clone();
        async move {
            // Never at the same moment as a timer: which of both is first then is nobody's promise.
            let time = seconds(task.args[0].as_integer().unwrap().unsigned_abs());
            clock.sleep(time + std::time::Duration::from_millis(500)).await;
            Ok(task.args[0].clone())
        }
    });
    world
}

/// What the machine did, without what is different each time.
fn commands(history: &[Event]) -> Vec<String> {
    history
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::TimerStarted { seq, .. } | EventKind::TimerCanceled { seq } => {
                Some(format!("{} {seq}", event.kind.name()))
            }
            EventKind::ActivityTaskScheduled(activity) => {
                Some(format!("{} {:?}", activity.seq, activity.args))
            }
            EventKind::ActivityTaskCancelRequested { seq } => Some(format!("cancel {seq}")),
            EventKind::StartChildWorkflowExecutionInitiated(child) => Some(format!("child {}", child.seq)),
            EventKind::MarkerRecorded(marker) => Some(format!("{marker:?}")),
            EventKind::WorkflowExecutionCompleted { result, .. } => Some(format!("{result:?}")),
            _ => None,
        })
        .collect()
}

/// Runs a program and gives its end and commands, after replaying all histories.
async fn run(steps: &[Step], cached: usize, restart: bool) -> (Outcome, Vec<String>) {
    let world = world(steps.to_vec());
    let settings = Settings { cached_machines: cached, ..world.settings() };
    let mut host = world.host_with(settings.clone()).await;
    let signals = (0..3u8)
        .flat_map(|topic| (0..3u8).map(move |n| (topic, n)))
        .map(|(topic, n)| perilune_workflow::Signal {
            name: topic.to_string(),
            args: vec![Value::Integer(n.into())],
            ..perilune_workflow::Signal::default()
        })
        .collect();
    let options = StartOptions { id: Some("a".into()), signals, ..StartOptions::default() };
    host.try_begin(options, vec![]).await.unwrap();
    if restart {
        host.pass(seconds(2)).await;
        host.stop().await;
        host = world.host_with(settings).await;
    }
    let end = host.end("a").await;
    for run in host.list(Default::default()).await.unwrap().runs {
        let target = Target { workflow_id: run.workflow_id.clone(), run_id: Some(run.run_id) };
        let history = host.history(target).await.unwrap();
        let mut machine = world.programs.machine(&run.workflow_type).unwrap();
        assert_eq!(replay(&history, &mut *machine).await, Ok(()));
    }
    let history = host.history(Target::from("a")).await.unwrap();
    assert!(!history.iter().any(|event| matches!(event.kind, EventKind::WorkflowTaskFailed { .. })));
    host.stop().await;
    (end, commands(&history))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn programs_behave_the_same_kept_evicted_and_replayed(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (kept, evicted, restarted) = runtime.block_on(async {
            (run(&steps, 500, false).await, run(&steps, 0, false).await, run(&steps, 1, true).await)
        });
        prop_assert!(matches!(kept.0, Outcome::Completed(_)) && matches!(evicted.0, Outcome::Completed(_)));
        // Things that happen at the same moment come in any order; that is then the history's, which replay followed.
        if one_by_one(&steps) {
            prop_assert_eq!(&kept, &evicted);
        }
        // A restart costs an attempt of an activity that runs, and so time: only that it ends is promised.
        prop_assert!(matches!(restarted.0, Outcome::Completed(_)));
    }
}
