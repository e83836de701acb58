//! The host is killed at every single commit, just before and just after it. Results and effects are the same each time.

use crate::script::{End, outcome};
use crate::world::{Host, World, seconds};
use perilune_durable::{Gate, Settings, replay};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Backend, ChildOptions, ContinueAsNew, Fields, Outcome, Signal, StartOptions, Target, UpdateRequest,
};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Kills the host at one commit.
struct Killer {
    at: u64,
    /// Whether the commit still reaches the disk.
    after: bool,
    killed: AtomicBool,
}

impl Killer {
    fn lives(&self, here: bool) -> bool {
        if here {
            self.killed.store(true, Ordering::Relaxed);
        }
        !here
    }
}

impl Gate for Killer {
    fn before(&self, commit: u64) -> bool {
        self.lives(!self.after && commit == self.at)
    }

    fn after(&self, commit: u64) -> bool {
        self.lives(self.after && commit == self.at)
    }
}

/// Everything once: timers, activities with retries, a signal, an update, a child, a side effect, a version, continue-as-new.
fn kitchen_sink() -> (World, Arc<Mutex<BTreeSet<String>>>) {
    let effects = Arc::new(Mutex::new(BTreeSet::new()));
    let world = World::with(|flow| async move {
        let added = Arc::new(Mutex::new(0));
        let sum = added.clone();
        flow.on_update(move |flow, _, args| {
            let sum = sum.clone();
            async move {
                flow.sleep(seconds(2)).await;
                *sum.lock().unwrap() += args[0].as_integer().unwrap();
                Ok(Value::Integer(*sum.lock().unwrap()))
            }
        });
        let round = flow.args().first().and_then(Value::as_integer).unwrap_or(0);
        let version = flow.version("step", 1);
        let effect = flow.side_effect(|| Value::Integer(42));
        flow.sleep(seconds(1)).await;
        let flaky = flow.call("flaky", vec![Value::Integer(round)]).await?;
        flow.upsert(true, Fields::from([("round".to_owned(), Value::Integer(round))]));
        let id = format!("child{round}");
        let start = StartOptions { id: Some(id), ..StartOptions::default() };
        let (_, started, end) = flow.child(
            "child",
            vec![Value::Integer(round)],
            ChildOptions { start, ..ChildOptions::default() },
        );
        started.await?;
        let child = outcome(end.await)?;
        if round == 0 {
            flow.receive("go").await;
            while *added.lock().unwrap() == 0 {
                flow.sleep(seconds(1)).await;
            }
            let next = ContinueAsNew::new(vec![Value::Integer(1), Value::Integer(*added.lock().unwrap())]);
            return Err(End::Again(Box::new(next)));
        }
        Ok(Value::Array(vec![flow.args()[1].clone(), Value::Integer(version), effect, flaky, child]))
    });
    world.programs.put("child", |flow| async move {
        flow.sleep(seconds(3)).await;
        Ok(flow.call("note", flow.args()).await?)
    });
    let log = effects.clone();
    world.works.put("flaky", move |task, _| {
        let log = log.clone();
        async move {
            if task.attempt == 1 {
                return Err(Failure { kind: Kind::Unavailable, ..Failure::default() });
            }
            // A service that knows idempotency keys: the same work twice is one effect.
            log.lock().unwrap().insert(format!("flaky {:?}", task.args[0]));
            Ok(task.args[0].clone())
        }
    });
    let log = effects.clone();
    world.works.put("note", move |task, _| {
        log.lock().unwrap().insert(format!("note {:?}", task.args[0]));
        async move { Ok(Value::from("noted")) }
    });
    (world, effects)
}

/// What a careful caller does: everything is done again until it is known to be done.
async fn drive(host: &Host) -> Option<Outcome> {
    let options = StartOptions {
        id: Some("a".into()),
        reuse: perilune_workflow::ReusePolicy::RejectDuplicate,
        conflict: perilune_workflow::ConflictPolicy::UseExisting,
        ..StartOptions::default()
    };
    match host.start("main", vec![], options).await {
        Ok(_) => {}
        Err(error) if error.code == perilune_workflow::Code::AlreadyStarted => {}
        Err(_) => return None,
    }
    let target = || Target::from("a");
    match host.signal(target(), Signal { name: "go".into(), ..Signal::default() }).await {
        Err(error) if error.code == perilune_workflow::Code::StoreUnavailable => return None,
        _ => {}
    }
    let first = host.list(Default::default()).await.ok()?.runs.pop()?;
    let first = Target { workflow_id: "a".into(), run_id: Some(first.run_id) };
    let update = UpdateRequest {
        id: Some("u".into()),
        name: "add".into(),
        args: vec![Value::Integer(5)],
        ..UpdateRequest::default()
    };
    match host.update(first, update).await {
        Err(error) if error.code == perilune_workflow::Code::StoreUnavailable => return None,
        _ => {}
    }
    host.result(target()).await.ok()
}

async fn round(at: u64, after: bool, cached: usize) -> (bool, Outcome, BTreeSet<String>) {
    let (world, effects) = kitchen_sink();
    let killer = Arc::new(Killer { at, after, killed: AtomicBool::new(false) });
    let settings = Settings { cached_machines: cached, gate: Some(killer.clone()), ..world.settings() };
    let host = world.host_with(settings).await;
    let mut outcome = host.run(drive(&host)).await;
    host.stop().await;
    let killed = killer.killed.load(Ordering::Relaxed);
    if outcome.is_none() {
        assert!(killed);
        let host = world.host().await;
        outcome = host.run(drive(&host)).await;
        host.stop().await;
    }
    let host = world.host().await;
    for run in host.list(Default::default()).await.unwrap().runs {
        assert!(run.closed_at.is_some(), "{} is open", run.workflow_id);
        let target = Target { workflow_id: run.workflow_id.clone(), run_id: Some(run.run_id) };
        let history = host.history(target).await.unwrap();
        let mut machine = world.programs.machine(&run.workflow_type).unwrap();
        assert_eq!(replay(&history, &mut *machine).await, Ok(()));
        assert!(history.iter().enumerate().all(|(index, event)| event.id == index as u64 + 1));
    }
    host.stop().await;
    let effects = effects.lock().unwrap().clone();
    (killed, outcome.unwrap(), effects)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_wherever_the_host_dies() {
    let (_, outcome, effects) = round(0, false, 500).await;
    assert_eq!(
        outcome,
        Outcome::Completed(Value::Array(vec![
            Value::Integer(5),
            Value::Integer(1),
            Value::Integer(42),
            Value::Integer(1),
            "noted".into()
        ]))
    );
    assert_eq!(effects.len(), 4);
    let mut commits = 0;
    loop {
        commits += 1;
        let mut killed = false;
        for after in [false, true] {
            let (this, result, done) = round(commits, after, if commits % 2 == 0 { 0 } else { 500 }).await;
            assert_eq!(
                (result, done),
                (outcome.clone(), effects.clone()),
                "commit {commits}, after: {after}"
            );
            killed |= this;
        }
        if !killed {
            break;
        }
    }
    assert!(commits > 20, "{commits}");
}

#[tokio::test]
async fn a_start_that_returned_is_on_the_disk() {
    let world = World::with(|flow| async move {
        flow.receive("go").await;
        Ok(Value::Nil)
    });
    // Neither the start that is refused a commit nor what follows is acknowledged.
    let killer = Arc::new(Killer { at: 2, after: false, killed: AtomicBool::new(false) });
    let host = world.host_with(Settings { gate: Some(killer), ..world.settings() }).await;
    let mut accepted = Vec::new();
    for id in ["a", "b", "c"] {
        let options = StartOptions { id: Some(id.into()), ..StartOptions::default() };
        if host.try_begin(options, vec![]).await.is_ok() {
            accepted.push(id.to_owned());
        }
        tokio::time::sleep(Duration::ZERO).await;
    }
    host.stop().await;
    let host = world.host().await;
    let mut stored: Vec<_> =
        host.list(Default::default()).await.unwrap().runs.into_iter().map(|run| run.workflow_id).collect();
    stored.reverse();
    assert_eq!(stored, accepted);
}
