//! Exit codes, and the last words on stderr.

use crate::output;
use perilune::Failure;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    message: Option<String>,
}

/// As shells expect of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Frames of a Lua stack that are shown: the place, and how it was reached.
const MOST_FRAMES: usize = 8;

impl Exit {
    /// All went well.
    pub(crate) fn done() -> Self {
        Exit { code: 0, message: None }
    }

    /// With the code that the application chose.
    pub(crate) fn code(code: u8) -> Self {
        Exit { code, message: None }
    }

    /// Something failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Exit { code: 1, message: Some(message.into()) }
    }

    /// The command was typed wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Exit { code: 2, message: Some(message.into()) }
    }

    /// Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Exit { code: INTERRUPTED, message: None }
    }

    /// An entry failed: its kind, its message, and where in Lua it happened.
    pub(crate) fn of_failure(failure: &Failure) -> Self {
        let mut message = failure.message.clone();
        let kind = failure.kind.as_str();
        if !kind.is_empty() {
            message.push_str(&format!(" [{kind}]"));
        }
        let stack = failure.stack.as_deref().unwrap_or_default();
        for frame in stack.lines().skip(1).take(MOST_FRAMES) {
            message.push_str(&format!("\n  {}", frame.trim()));
        }
        if stack.lines().count() > MOST_FRAMES + 1 {
            message.push_str("\n  …");
        }
        Exit::failed(message)
    }

    /// What an entry asked the program to end with (`system.exit`).
    pub(crate) fn requested(code: i32) -> Self {
        match u8::try_from(code) {
            Ok(code) => Exit::code(code),
            Err(_) => {
                Exit::failed(format!("an entry asked to exit with {code}, which is no exit code (0 to 255)"))
            }
        }
    }

    /// Adds a line that says what to do.
    pub(crate) fn with_help(mut self, help: &str) -> Self {
        if let Some(message) = &mut self.message {
            message.push_str("\nhelp: ");
            message.push_str(help);
        }
        self
    }

    /// Whether the command was typed wrong.
    pub(crate) fn is_usage(&self) -> bool {
        self.code == 2
    }

    /// Prints the message, if any.
    pub(crate) fn say(&self) {
        if let Some(message) = &self.message {
            output::error(message);
        }
    }

    /// Prints the message, if any, and gives the code to the system.
    pub(crate) fn report(self) -> ExitCode {
        self.say();
        ExitCode::from(self.code)
    }
}
