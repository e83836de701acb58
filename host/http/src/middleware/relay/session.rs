//! A connection as a process.

use super::Words;
use super::terms::Terms;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_resource::{Deliver, Host, Letter, Mailbox, in_proportion};
use perilune_security::{Authority, Decision, Policies};
use perilune_value::{Failure, Kind, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long a client waits before it tries a full mailbox again; meanwhile nothing more is read from it.
const AGAIN: Duration = Duration::from_millis(10);

/// How long it tries: a process that takes nothing for so long is as good as gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a connection is to do.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Give the client a message: its topic, and what it says as JSON.
    Say { topic: String, data: String },
    /// Show that it is still there.
    Beat,
    /// End, for this reason.
    End(Ending),
}

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ending {
    /// Somebody said so.
    Closed(String),
    /// The process has ended.
    Alone,
    /// It lasted or was silent as long as it may.
    Late,
    /// The server stops.
    Stopping,
}

/// What whoever asked may do: the client talks to processes on their behalf.
pub(super) struct Rights {
    pub(super) authority: Authority,
    pub(super) host: Arc<Host>,
}

impl Rights {
    /// As where Lua sends a message: policies decide, and without any everybody may.
    fn check(&self, client: &str, target: &str) -> Result<(), Failure> {
        let policies = self.host.shared.get::<Policies>();
        if self.authority.scope.is_none() && !policies.is_strict(&self.host.registry) {
            return Ok(());
        }
        let about = Value::from_iter([("pid", client)]);
        match self.authority.evaluate("process.send", target, &about) {
            Decision::Allow => Ok(()),
            Decision::Deny | Decision::Undefined => {
                let message = format!("no policy lets whoever asked `process.send` to {target}");
                Err(Failure::new(Kind::PermissionDenied, message))
            }
        }
    }
}

/// A client that talks to a process. Dropping it tells the process that the client has left.
pub(super) struct Session {
    words: &'static Words,
    terms: Terms,
    rights: Rights,
    post: Arc<dyn Deliver>,
    mailbox: Box<dyn Mailbox>,
    /// The end of the process.
    ended: BoxFuture<'static, ()>,
    heartbeat: Interval,
    closing: CancellationToken,
    began: Instant,
    /// When the client was last told something.
    told: Instant,
    /// Messages in both directions.
    messages: i64,
}

impl Session {
    /// Gives the connection a pid and tells the process.
    ///
    /// # Errors
    ///
    /// `NotFound` when the process does not run, `RateLimited` when its mailbox is full, `PermissionDenied` when whoever asked may
    /// not talk to it.
    pub(super) fn begin(
        words: &'static Words,
        terms: Terms,
        rights: Rights,
        post: Arc<dyn Deliver>,
        closing: CancellationToken,
    ) -> Result<Session, Failure> {
        let mailbox = post.open(words.host);
        let now = Instant::now();
        let mut session = Session {
            ended: futures_util::future::pending().boxed(),
            heartbeat: beats(terms.heartbeat),
            terms: Terms { target: None, ..terms.clone() },
            words,
            rights,
            post,
            mailbox,
            closing,
            began: now,
            told: now,
            messages: 0,
        };
        session.join(terms)?;
        Ok(session)
    }

    /// The pid of the connection.
    pub(super) fn pid(&self) -> &str {
        self.mailbox.pid()
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Takes new terms. With another process the client joins that one, and has left the one before.
    fn join(&mut self, terms: Terms) -> Result<(), Failure> {
        if terms.target != self.terms.target {
            if let Some(target) = &terms.target {
                self.rights.check(self.pid(), target)?;
                let about = self.about(&terms.metadata, []);
                self.post.send(self.pid(), target, self.words.join, &[about])?;
                self.ended = self.post.ended(target);
            }
            self.leave();
        }
        if terms.heartbeat != self.terms.heartbeat {
            self.heartbeat = beats(terms.heartbeat);
        }
        self.terms = terms;
        Ok(())
    }

    fn leave(&self) {
        if let Some(target) = &self.terms.target {
            let about = self.about(&self.terms.metadata, []);
            // Whoever has ended does not miss it; a full mailbox belongs to one that will find out by its next message.
            drop(self.post.send(self.pid(), target, self.words.leave, &[about]));
        }
    }

    fn about<const N: usize>(&self, metadata: &Value, more: [(&str, Value); N]) -> Value {
        let fields = [("client_pid", Value::from(self.pid())), ("metadata", metadata.clone())];
        fields.into_iter().chain(more).collect()
    }

    /// Waits for what the connection is to do next. Cancel-safe.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            let late = self.late();
            let letter = tokio::select! {
                biased;
                () = self.closing.cancelled() => return Step::End(Ending::Stopping),
                () = async { sleep_until(late.unwrap_or(self.began)).await }, if late.is_some() => {
                    return Step::End(Ending::Late);
                }
                letter = self.mailbox.receive() => letter,
                // After the mailbox: what the process sent before it ended is still said.
                () = &mut self.ended => return Step::End(Ending::Alone),
                _ = self.heartbeat.tick() => {
                    self.beat();
                    return Step::Beat;
                }
            };
            if let Some(step) = self.take(letter).await {
                return step;
            }
        }
    }

    /// When it has lasted or was silent as long as it may.
    fn late(&self) -> Option<Instant> {
        let times =
            [self.terms.idle.map(|time| self.told + time), self.terms.hard.map(|time| self.began + time)];
        times.into_iter().flatten().min()
    }

    async fn take(&mut self, letter: Letter) -> Option<Step> {
        let Letter { topic, payloads, sender } = letter;
        if topic == self.words.close {
            let reason = payloads.first().and_then(Value::as_str).unwrap_or_default().to_owned();
            return Some(Step::End(Ending::Closed(reason)));
        }
        if topic == self.words.control {
            let fields = payloads.into_iter().next().unwrap_or_default();
            let changed = self.terms.changed(self.words, &fields).and_then(|terms| self.join(terms));
            if let Err(failure) = changed {
                tracing::warn!(client = self.pid(), sender, error = %failure.message, "a client was not re-targeted");
            }
            return None;
        }
        self.messages += 1;
        self.told = Instant::now();
        match written(payloads).await {
            Ok(data) => Some(Step::Say { topic, data }),
            Err(failure) => {
                tracing::warn!(client = self.pid(), sender, topic, error = %failure.message, "a message has no JSON form");
                None
            }
        }
    }

    fn beat(&self) {
        let Some(target) = &self.terms.target else { return };
        let uptime = i64::try_from(self.began.elapsed().as_secs()).unwrap_or(i64::MAX);
        let more = [("uptime", Value::Integer(uptime)), ("message_count", Value::Integer(self.messages))];
        let about = self.about(&self.terms.metadata, more);
        // One that is missed is followed by the next.
        drop(self.post.send(self.pid(), target, self.words.heartbeat, &[about]));
    }

    /// Passes on what the client sent; waits while the mailbox of the process is full.
    ///
    /// # Errors
    ///
    /// Why the connection ends.
    pub(super) async fn forward(&mut self, data: Vec<u8>) -> Result<(), Ending> {
        let Some(target) = self.terms.target.clone() else { return Ok(()) };
        self.messages += 1;
        let payload = [Value::String(data)];
        let patience = Instant::now() + PATIENCE;
        let late = self.late().map_or(patience, |late| late.min(patience));
        loop {
            match self.post.send(self.mailbox.pid(), &target, &self.terms.topic, &payload) {
                Ok(()) => return Ok(()),
                Err(failure) if failure.kind == Kind::RateLimited => {}
                Err(_) => return Err(Ending::Alone),
            }
            tokio::select! {
                () = self.closing.cancelled() => return Err(Ending::Stopping),
                () = &mut self.ended => return Err(Ending::Alone),
                // Meanwhile nobody notices that the client has left.
                () = sleep_until(late) => return Err(Ending::Late),
                () = sleep(AGAIN) => {}
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.leave();
    }
}

fn beats(every: Duration) -> Interval {
    let mut beats = interval_at(Instant::now() + every, every);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beats
}

/// What a message says, as JSON: one value, or an array of several. Bytes that are no text become base64.
async fn written(mut payloads: Vec<Value>) -> Result<String, Failure> {
    let value = match payloads.len() {
        0 | 1 => payloads.pop().unwrap_or_default(),
        _ => Value::Array(payloads),
    };
    let value = match value {
        Value::String(bytes) if std::str::from_utf8(&bytes).is_err() => Value::from(STANDARD.encode(bytes)),
        other => other,
    };
    in_proportion(weight(&value), move || json::encode(&value)).await
}

/// Bytes of a value, about.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(bytes) => bytes.len(),
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 16,
        Value::Map(fields) => {
            fields.iter().map(|(key, value)| weight(key) + weight(value)).sum::<usize>() + 16
        }
        _ => 16,
    }
}
