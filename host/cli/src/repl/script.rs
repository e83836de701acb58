//! Input that comes from a file or another program: no prompts, and the first error is the end.

use super::console::{Console, Next};
use crate::exit::Exit;
use crate::signals::Signals;
use std::io::{self, BufRead};
use tokio::sync::mpsc;

/// Lines that are read ahead of what runs.
const AHEAD: usize = 64;

pub(super) async fn run(mut console: Console, signals: &mut Signals) -> Exit {
    let mut lines = lines();
    let mut number = 0;
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            () = signals.end() => return Exit::interrupted(),
        };
        number += 1;
        let line = match line {
            Some(Ok(line)) => line,
            Some(Err(error)) => return Exit::failed(format!("cannot read line {number} of stdin: {error}")),
            None => break,
        };
        match console.take(&line, signals).await {
            Next::Input | Next::More => {}
            Next::Failed => return Exit::code(1),
            Next::Interrupted => return Exit::interrupted(),
            Next::Leave(exit) => return exit,
        }
    }
    match console.is_open() {
        true => Exit::failed(format!(
            "stdin ends before the input that begins in line {} is complete",
            console.began()
        )),
        false => Exit::done(),
    }
}

/// The lines of stdin, as they come. Reading cannot be given up, so it has a thread of its own.
fn lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, lines) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let is_last = line.is_err();
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    lines
}
