//! Children and other workflows.

use crate::basics::{echo, mailbox};
use crate::support::World;
use crate::support::script::{Deeds, Scripts};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Activation, ChildOptions, CommandKind, ExternalTarget, Job, Outcome, Resolution, Signal, StartChild,
    StartOptions,
};

fn child(seq: u32, workflow_type: &str, args: Vec<Value>, start: StartOptions) -> CommandKind {
    CommandKind::StartChild(Box::new(StartChild {
        seq,
        workflow_type: workflow_type.to_owned(),
        args,
        options: ChildOptions { start, ..ChildOptions::default() },
    }))
}

/// Starts one child, says what became of it.
fn parent(make: impl Fn() -> CommandKind + Clone + Send + Sync + 'static) -> Scripts {
    Scripts::default()
        .with("parent", move || {
            let make = make.clone();
            move |job: &Job, _: &Activation, out: &mut Vec<CommandKind>| match job {
                Job::Start(_) => out.push(make()),
                Job::ResolveChildStart { outcome: Err(failure), .. }
                | Job::ResolveChild { outcome: Resolution::Failed(failure), .. } => {
                    out.push(CommandKind::Fail(failure.clone()));
                }
                Job::ResolveChild { outcome: Resolution::Completed(value), .. } => {
                    out.push(CommandKind::Complete(value.clone()));
                }
                _ => {}
            }
        })
        .with("echo", echo)
        .with("mailbox", mailbox)
        .with("broken", || {
            |job: &Job, _: &Activation, out: &mut Vec<CommandKind>| {
                if matches!(job, Job::Start(start) if start.parent.is_some()) {
                    out.push(CommandKind::Fail(Failure::new(Kind::Conflict, "torn")));
                }
            }
        })
}

#[tokio::test]
async fn a_child_gives_its_parent_a_result() {
    let scripts = parent(|| child(1, "echo", vec!["hi".into()], StartOptions::default()));
    let Some(world) = World::new(scripts, Deeds::default()).await else { return };
    world.start("parent", "p", vec![]).await;
    assert_eq!(world.result("p").await, Outcome::Completed("hi".into()));
    world.end().await;
}

#[tokio::test]
async fn a_childs_failure_is_the_parents_to_see() {
    let scripts = parent(|| child(1, "broken", vec![], StartOptions::default()));
    let Some(world) = World::new(scripts, Deeds::default()).await else { return };
    world.start("parent", "p", vec![]).await;
    assert_eq!(world.result("p").await, Outcome::Failed(Failure::new(Kind::Conflict, "torn")));
    world.end().await;
}

#[tokio::test]
async fn a_child_whose_id_is_taken_does_not_start() {
    let taken = StartOptions { id: Some("taken".to_owned()), ..StartOptions::default() };
    let scripts = parent(move || child(1, "echo", vec![], taken.clone()));
    let Some(world) = World::new(scripts, Deeds::default()).await else { return };
    world.start("mailbox", "taken", vec![]).await;
    world.start("parent", "p", vec![]).await;
    let Outcome::Failed(failure) = world.result("p").await else { panic!("it started") };
    assert_eq!(failure.kind, Kind::AlreadyExists);
    world.end().await;
}

#[tokio::test]
async fn a_child_gets_the_signals_it_is_started_with() {
    let signals = vec![
        Signal { name: "a".into(), ..Signal::default() },
        Signal { name: "end".into(), ..Signal::default() },
    ];
    let with = StartOptions { signals, ..StartOptions::default() };
    let scripts = parent(move || child(1, "mailbox", vec![], with.clone()));
    let Some(world) = World::new(scripts, Deeds::default()).await else { return };
    world.start("parent", "p", vec![]).await;
    let Outcome::Completed(Value::Array(seen)) = world.result("p").await else { panic!("no list") };
    assert_eq!(seen.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn workflows_signal_and_cancel_each_other() {
    let scripts = Scripts::default().with("mailbox", mailbox).with("caller", || {
        let to = |id: &str| ExternalTarget { workflow_id: id.to_owned(), run_id: None };
        let mut told = Vec::new();
        move |job: &Job, _: &Activation, out: &mut Vec<CommandKind>| {
            let mut note = |name: &str, failure: &Option<Failure>| {
                told.push(Value::from(format!(
                    "{name} {:?}",
                    failure.as_ref().map(|failure| failure.kind.clone())
                )));
            };
            match job {
                Job::Start(_) => {
                    let signal = Signal { name: "end".to_owned(), ..Signal::default() };
                    out.push(CommandKind::SignalExternal { seq: 1, target: to("a"), signal: signal.clone() });
                    out.push(CommandKind::SignalExternal { seq: 2, target: to("nobody"), signal });
                    out.push(CommandKind::CancelExternal { seq: 3, target: to("b"), reason: "r".to_owned() });
                }
                Job::ResolveSignal { seq, failure } => note(&format!("signal {seq}"), failure),
                Job::ResolveCancelExternal { seq, failure } => note(&format!("cancel {seq}"), failure),
                _ => {}
            }
            if told.len() == 3 {
                told.sort_by_key(|said| said.as_str().map(str::to_owned));
                out.push(CommandKind::Complete(std::mem::take(&mut told).into()));
            }
        }
    });
    let Some(world) = World::new(scripts, Deeds::default()).await else { return };
    world.start("mailbox", "a", vec![]).await;
    world.start("mailbox", "b", vec![]).await;
    world.start("caller", "c", vec![]).await;
    let told: Value =
        vec!["cancel 3 None".into(), "signal 1 None".into(), "signal 2 Some(NotFound)".into()].into();
    assert_eq!(world.result("c").await, Outcome::Completed(told));
    assert_eq!(world.result("a").await, Outcome::Completed(Vec::<Value>::new().into()));
    assert!(matches!(world.result("b").await, Outcome::Canceled(_)));
    world.end().await;
}
