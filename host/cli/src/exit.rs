//! Exit codes, and the last words on stderr.

use crate::output;
use perilune::Failure;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug)]
pub struct Exit {
    code: u8,
    message: Option<String>,
}

/// As shells expect of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

impl Exit {
    /// All went well.
    pub fn done() -> Self {
        Exit { code: 0, message: None }
    }

    /// With the code that the application chose.
    pub fn code(code: u8) -> Self {
        Exit { code, message: None }
    }

    /// Something failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Exit { code: 1, message: Some(message.into()) }
    }

    /// The command was typed wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Exit { code: 2, message: Some(message.into()) }
    }

    /// Ctrl-C.
    pub fn interrupted() -> Self {
        Exit { code: INTERRUPTED, message: None }
    }

    /// An entry failed: its kind, its message, and where in Lua it happened.
    pub fn of_failure(failure: &Failure) -> Self {
        let mut message = failure.message.clone();
        let kind = failure.kind.as_str();
        if !kind.is_empty() {
            message.push_str(&format!(" [{kind}]"));
        }
        let frames = failure.stack.as_deref().into_iter().flat_map(|stack| stack.lines().skip(1));
        for frame in frames {
            message.push_str(&format!("\n  {}", frame.trim()));
        }
        Exit::failed(message)
    }

    /// Prints the message, if any, and gives the code to the system.
    pub fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            output::error(&message);
        }
        ExitCode::from(self.code)
    }
}
