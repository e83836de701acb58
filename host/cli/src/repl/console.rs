//! Inputs, and what becomes of them.

use super::{commands, locals};
use crate::exit::Exit;
use crate::output;
use crate::signals::Signals;
use perilune::{Answer, Lost, Runtime, Session, SessionOptions};

/// What errors call the place that input comes from.
const PLACE: &str = "stdin";

/// A session, and the input that is not complete yet.
pub(super) struct Console {
    pub(super) runtime: Runtime,
    pub(super) session: Session,
    options: SessionOptions,
    /// Lines of an input that goes on.
    open: String,
    /// The line that it begins in.
    began: usize,
    /// Lines read so far.
    lines: usize,
}

/// What comes after a line.
#[derive(Debug)]
pub(super) enum Next {
    /// The next input.
    Input,
    /// More lines of the same.
    More,
    /// The next input, after one that failed.
    Failed,
    /// The next input, after one that somebody interrupted.
    Interrupted,
    /// Nothing: the session is over.
    Leave(Exit),
}

impl Console {
    pub(super) fn new(runtime: Runtime, session: Session, options: SessionOptions) -> Self {
        Console { runtime, session, options, open: String::new(), began: 1, lines: 0 }
    }

    /// Takes lines of input, and runs what they make complete.
    pub(super) async fn take(&mut self, text: &str, signals: &mut Signals) -> Next {
        if self.open.is_empty() {
            self.began = self.lines + 1;
            if text.trim().is_empty() {
                self.lines += 1;
                return Next::Input;
            }
        }
        self.lines += text.lines().count().max(1);
        if self.open.is_empty()
            && let Some(command) =
                text.trim().strip_prefix('.').filter(|rest| rest.starts_with(char::is_alphabetic))
        {
            return commands::run(self, command, signals).await;
        }
        self.open.push_str(text);
        self.open.push('\n');
        let (input, began) = (self.open.clone(), self.began);
        let next = self.run(PLACE, began, locals::kept(input.trim_end()).trim_end(), signals).await;
        if !matches!(next, Next::More) {
            self.open.clear();
        }
        next
    }

    /// Runs an input; `place` and `line` are where it stands.
    pub(super) async fn run(&mut self, place: &str, line: usize, text: &str, signals: &mut Signals) -> Next {
        let answer = tokio::select! {
            biased;
            answer = self.session.run(place, line, text) => Some(answer),
            () = signals.end() => None,
        };
        match answer {
            Some(Answer::Incomplete) => Next::More,
            Some(Answer::Done(shown)) => {
                if let Some(shown) = shown {
                    output::line(shown.as_bytes());
                }
                Next::Input
            }
            Some(Answer::Failed(failure, lost)) => {
                Exit::of_failure(&failure).say();
                say(lost);
                Next::Failed
            }
            None => {
                output::status("interrupted");
                match self.session.recover().await {
                    Ok(lost) => say(lost),
                    Err(failure) => Exit::of_failure(&failure).say(),
                }
                Next::Interrupted
            }
        }
    }

    /// Whether an input goes on.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The line that the input which goes on begins in.
    pub(super) fn began(&self) -> usize {
        self.began
    }

    /// Forgets an input that is not complete.
    pub(super) fn cancel(&mut self) {
        self.open.clear();
    }

    /// Begins anew, without anything that inputs have left.
    pub(super) async fn reset(&mut self) -> Next {
        match self.runtime.session(self.options.clone()).await {
            Ok(session) => {
                self.session = session;
                Next::Input
            }
            Err(failure) => {
                Exit::of_failure(&failure).say();
                Next::Failed
            }
        }
    }
}

/// Says what went with a cell that ended.
fn say(lost: Lost) {
    match lost {
        Lost::Nothing => {}
        Lost::ThisInput => {
            output::status("the session goes on with its globals as they were before this input")
        }
        Lost::Inputs(count) => output::status(&format!(
            "the session goes on with its globals as they were before the last {count} inputs, which had left something open"
        )),
    }
}
