//! stdout for results, stderr for everything else.

use crate::bar;
use perilune_settings::Color;
use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

/// As the settings want it; until they are known, as for [`Color::Auto`].
static COLOR: OnceLock<Color> = OnceLock::new();

/// Sets whether texts have colours. The first call counts.
pub(crate) fn set_color(color: Color) {
    let _ = COLOR.set(color);
}

/// Whether stderr shows colours.
pub(crate) fn color() -> bool {
    shows_color(&io::stderr())
}

/// Whether stdout shows colours.
pub(crate) fn stdout_color() -> bool {
    shows_color(&io::stdout())
}

/// By the setting, else by the variables that programs agree on, else on a terminal.
fn shows_color(stream: &impl IsTerminal) -> bool {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    match COLOR.get() {
        Some(Color::Always) => true,
        Some(Color::Never) => false,
        _ if set("NO_COLOR").is_some() => false,
        _ if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        _ => stream.is_terminal() && set("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// A line of bytes on stdout. A reader that has gone away is no error: what it wanted it has.
pub(crate) fn line(bytes: &[u8]) {
    let written = bar::above(|| {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.write_all(b"\n")).and_then(|()| stdout.flush())
    });
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        tracing::warn!(%error, "stdout cannot be written");
    }
}

/// A problem on stderr.
pub(crate) fn error(message: &str) {
    report(&format!("error: {message}\n"));
}

/// Something that is likely to be a mistake, on stderr.
pub(crate) fn warning(message: &str) {
    report(&format!("warning: {message}\n"));
}

/// A text that says by itself what it is, on stderr.
pub(crate) fn report(text: &str) {
    // Nobody is left to be told of a stderr that is closed.
    let _ = bar::above(|| io::stderr().lock().write_all(text.as_bytes()));
}

/// A line about what the program does meanwhile, on stderr. Whoever has the terminal to itself is not disturbed.
pub(crate) fn status(line: &str) {
    if !crate::terminal::hides_logs() {
        report(&format!("{line}\n"));
    }
}
