//! stdout for results, stderr for everything else.
#![expect(clippy::print_stderr, reason = "this file is where the program speaks")]

use crate::terminal;
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::EnvFilter;

/// Warnings of the host, which services run, and what entries write to their logger.
const DEFAULT_LOG: &str = "warn,perilune::service=info,perilune::logger=info";

/// Sends log records to stderr. `RUST_LOG` chooses them. Where it does not, a process that has the terminal may hide them.
pub(crate) fn start_logging() {
    let chosen = EnvFilter::try_from_default_env();
    let may_hide = chosen.is_err();
    let filter = chosen.unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    let writer = move || -> Box<dyn Write> {
        match may_hide && terminal::hides_logs() {
            true => Box::new(io::sink()),
            false => Box::new(io::stderr()),
        }
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(color()).init();
}

/// Whether stderr shows colours: a terminal, and `NO_COLOR` is not set.
pub(crate) fn color() -> bool {
    shows_color(&io::stderr())
}

/// Whether stdout shows colours, by the same rule.
pub(crate) fn stdout_color() -> bool {
    shows_color(&io::stdout())
}

fn shows_color(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A line of bytes on stdout. A reader that has gone away is no error: what it wanted it has.
pub(crate) fn line(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    let written =
        stdout.write_all(bytes).and_then(|()| stdout.write_all(b"\n")).and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        tracing::warn!(%error, "stdout cannot be written");
    }
}

/// A problem on stderr.
pub(crate) fn error(message: &str) {
    eprintln!("error: {message}");
}

/// A text that says by itself what it is, on stderr.
pub(crate) fn report(text: &str) {
    eprint!("{text}");
}

/// A line about what the program does meanwhile, on stderr. Whoever has the terminal to itself is not disturbed.
pub(crate) fn status(line: &str) {
    if !terminal::hides_logs() {
        eprintln!("{line}");
    }
}
