//! The same programs on ractor.

use anyhow::anyhow;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// How long a program takes, on a task of these threads.
pub(super) fn timed(
    threads: &Runtime,
    program: impl Future<Output = anyhow::Result<()>> + Send + 'static,
) -> anyhow::Result<Duration> {
    let task = threads.spawn(async move {
        let began = Instant::now();
        program.await?;
        anyhow::Ok(began.elapsed())
    });
    threads.block_on(task)?
}

struct Brief;

impl Actor for Brief {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn post_start(&self, this: ActorRef<()>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        this.stop(None);
        Ok(())
    }
}

/// Starts actors that it watches, and stops when it has been told of the end of each.
struct Supervisor;

impl Actor for Supervisor {
    type Msg = ();
    type State = u32;
    type Arguments = u32;

    async fn pre_start(&self, _: ActorRef<()>, count: u32) -> Result<u32, ActorProcessingErr> {
        Ok(count)
    }

    async fn post_start(&self, this: ActorRef<()>, count: &mut u32) -> Result<(), ActorProcessingErr> {
        for _ in 0..*count {
            Actor::spawn_linked(None, Brief, (), this.get_cell()).await?;
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        this: ActorRef<()>,
        event: SupervisionEvent,
        left: &mut u32,
    ) -> Result<(), ActorProcessingErr> {
        if matches!(event, SupervisionEvent::ActorTerminated(..)) {
            *left -= 1;
            if *left == 0 {
                this.stop(None);
            }
        }
        Ok(())
    }
}

pub(super) async fn spawn(count: u32) -> anyhow::Result<()> {
    Actor::spawn(None, Supervisor, count).await?.1.await?;
    Ok(())
}

/// Answers each message.
struct Echo;

impl Actor for Echo {
    type Msg = oneshot::Sender<u32>;
    type State = u32;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<u32, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        answer: Self::Msg,
        count: &mut u32,
    ) -> Result<(), ActorProcessingErr> {
        *count += 1;
        // Whoever asked waits for it.
        let _ = answer.send(*count);
        Ok(())
    }
}

pub(super) async fn pingpong(count: u32) -> anyhow::Result<()> {
    let (echo, end) = Actor::spawn(None, Echo, ()).await?;
    for _ in 0..count {
        let (answer, answered) = oneshot::channel();
        echo.cast(answer).map_err(|error| anyhow!("{error}"))?;
        answered.await?;
    }
    echo.stop(None);
    end.await?;
    Ok(())
}

/// Counts messages, and stops after the last.
struct Counter;

impl Actor for Counter {
    type Msg = u32;
    type State = u32;
    type Arguments = u32;

    async fn pre_start(&self, _: ActorRef<u32>, count: u32) -> Result<u32, ActorProcessingErr> {
        Ok(count)
    }

    async fn handle(&self, this: ActorRef<u32>, _: u32, left: &mut u32) -> Result<(), ActorProcessingErr> {
        *left -= 1;
        if *left == 0 {
            this.stop(None);
        }
        Ok(())
    }
}

pub(super) async fn messages(count: u32) -> anyhow::Result<()> {
    let (counter, end) = Actor::spawn(None, Counter, count).await?;
    for number in 0..count {
        counter.cast(number).map_err(|error| anyhow!("{error}"))?;
    }
    end.await?;
    Ok(())
}
