//! The members of a group that runs.

use super::restart::{End, Policy};
use super::strategy::{Intensity, Recent, Strategy};
use super::unit::{LOG, Unit, is_permanent};
use crate::Ended;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_value::Failure;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::task::Poll;
use tokio::time::Instant;

pub(super) struct Crew {
    group: String,
    members: Arc<[Unit]>,
    strategy: Strategy,
    intensity: Intensity,
    /// What each member is doing.
    doing: Vec<Doing>,
    /// How often each was started again.
    restarts: Vec<u32>,
    recent: Recent,
    began: Instant,
}

enum Doing {
    Nothing,
    /// It may run.
    Starting,
    Running(BoxFuture<'static, Ended>),
}

impl Crew {
    /// Nobody runs yet.
    pub(super) fn new(group: String, members: Arc<[Unit]>, strategy: Strategy, intensity: Intensity) -> Self {
        let doing = members.iter().map(|_| Doing::Nothing).collect();
        let restarts = vec![0; members.len()];
        Crew {
            group,
            members,
            strategy,
            intensity,
            doing,
            restarts,
            recent: Recent::default(),
            began: Instant::now(),
        }
    }

    /// Starts all; why one of them cannot start.
    pub(super) async fn start(&mut self) -> Result<(), Failure> {
        self.want(true);
        for position in 0..self.members.len() {
            if let Err(failure) = self.start_one(position).await {
                return Err(named(&self.members[position], failure));
            }
        }
        Ok(())
    }

    /// Waits for the next end of a member, and starts again who is to; why the group cannot go on.
    pub(super) async fn mend(&mut self) -> Result<(), Failure> {
        let (mut position, ended) = self.next_end().await;
        let unit = &self.members[position];
        unit.has_ended(&ended);
        if !unit.lifecycle.restart.policy.restarts(End::from(&ended)) {
            tracing::info!(target: LOG, service = %unit.id, ?ended, "ended, and stays so");
            return Ok(());
        }
        let mut failure = match ended {
            Ended::Failed(failure) => failure,
            Ended::Exited => Failure::internal(format!("{} exited", unit.id)),
        };
        // Restarts count and are tried again until those affected run, or there were too many.
        loop {
            self.count(position, failure)?;
            let affected = self.strategy.affected(position, self.members.len());
            self.stop_those(affected.clone()).await;
            match self.start_those(affected, position).await {
                Ok(()) => return Ok(()),
                Err((unstarted, why)) if is_permanent(&why) => {
                    return Err(named(&self.members[unstarted], why));
                }
                Err((unstarted, why)) => (position, failure) = (unstarted, why),
            }
        }
    }

    /// Says whether they are to run.
    pub(super) fn want(&self, is_wanted: bool) {
        for unit in self.members.iter() {
            unit.statuses.want(&unit.id, is_wanted);
        }
    }

    /// Stops all, the last one first.
    pub(super) async fn stop(&mut self) {
        self.stop_those(0..self.members.len()).await;
    }

    /// Counts a restart of a member that has failed; why it may not happen.
    fn count(&mut self, position: usize, failure: Failure) -> Result<(), Failure> {
        let unit = &self.members[position];
        if !self.recent.allows(&self.intensity, self.began.elapsed()) {
            let Intensity { max_restarts, within } = &self.intensity;
            let within = humantime::format_duration(*within);
            let message = format!("{}: more than {max_restarts} restarts within {within}", self.group);
            let last = named(unit, failure);
            let message = format!("{message}, the last because of {}", last.message);
            return Err(Failure { message, ..last });
        }
        self.restarts[position] = self.restarts[position].saturating_add(1);
        unit.statuses.count(&unit.id, self.restarts[position]);
        tracing::warn!(target: LOG, service = %unit.id, group = %self.group, error = %failure.message, "ended, and starts again");
        Ok(())
    }

    async fn stop_those(&mut self, those: Range<usize>) {
        for position in those.rev() {
            if !matches!(self.doing[position], Doing::Nothing) {
                self.members[position].stop().await;
                self.doing[position] = Doing::Nothing;
            }
        }
    }

    /// Starts again: the one that ended, and others unless they never do.
    async fn start_those(&mut self, those: Range<usize>, ended: usize) -> Result<(), (usize, Failure)> {
        for position in those {
            let unit = &self.members[position];
            if position != ended && unit.lifecycle.restart.policy == Policy::Never {
                continue;
            }
            if let Err(failure) = self.start_one(position).await {
                return Err((position, failure));
            }
        }
        Ok(())
    }

    async fn start_one(&mut self, position: usize) -> Result<(), Failure> {
        // Until it is known how this ends: the start may be broken off.
        self.doing[position] = Doing::Starting;
        let unit = &self.members[position];
        let started = unit.start().await;
        self.doing[position] = match &started {
            Ok(()) => {
                let unit = unit.clone();
                Doing::Running(async move { unit.ended().await }.boxed())
            }
            Err(failure) => {
                unit.has_ended(&Ended::Failed(failure.clone()));
                Doing::Nothing
            }
        };
        started
    }

    /// The next member that ends by itself, the first in their order when several have. Cancel-safe.
    async fn next_end(&mut self) -> (usize, Ended) {
        let doing = &mut self.doing;
        poll_fn(|context| {
            for (position, doing) in doing.iter_mut().enumerate() {
                if let Doing::Running(running) = doing
                    && let Poll::Ready(ended) = running.poll_unpin(context)
                {
                    *doing = Doing::Nothing;
                    return Poll::Ready((position, ended));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Says whose failure it is.
fn named(unit: &Unit, failure: Failure) -> Failure {
    let id = unit.id.to_string();
    match failure.message.contains(&id) {
        true => failure,
        false => Failure { message: format!("{id}: {}", failure.message), ..failure },
    }
}
