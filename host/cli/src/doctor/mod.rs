//! `perilune doctor`: what the machine offers, what is missing, and what to do about it.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the command: all findings as lines or JSON |
//! | `facts.rs` | what the machine says of itself |
//! | `machine.rs` | the kernel, memory, cores, and how many cells they allow |
//! | `sandbox.rs` | whether a cell starts and computes |
//! | `places.rs` | folders for the cache and the control socket |
//! | `application.rs` | settings, entries, and servers that they name |
//! | `tools.rs` | compilers that only building Perilune needs, and the terminal |

mod application;
mod facts;
mod machine;
mod places;
mod sandbox;
mod tools;

use crate::arguments::Format;
use crate::control::text::shown;
use crate::exit::Exit;
use crate::output;
use crate::settings::Given;
use facts::Facts;
use perilune_settings::Settings;
use serde::Serialize;
use std::path::Path;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// As it should be.
    Ok,
    /// Neither good nor bad.
    Info,
    /// It works, with less speed, room or comfort.
    Warn,
    /// Something is missing without which nothing runs.
    Fail,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Finding {
    fn new(check: &'static str, status: Status, message: impl Into<String>) -> Self {
        Finding { check, status, message: message.into(), help: None }
    }

    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Finding::new(check, Status::Ok, message)
    }

    fn info(check: &'static str, message: impl Into<String>) -> Self {
        Finding::new(check, Status::Info, message)
    }

    fn warn(check: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Finding { help: Some(help.into()), ..Finding::new(check, Status::Warn, message) }
    }

    fn fail(check: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Finding { help: Some(help.into()), ..Finding::new(check, Status::Fail, message) }
    }
}

/// Looks at everything.
pub(crate) async fn doctor(directory: &Path, settings: &Settings, given: &Given, format: Format) -> Exit {
    let mut findings = machine::findings(&Facts::detect(), settings);
    findings.extend(sandbox::findings(settings).await);
    findings.extend(places::findings(settings));
    findings.extend(application::findings(directory, settings, given).await);
    findings.extend(tools::findings());
    match format.json {
        true => match serde_json::to_string(&findings) {
            Ok(text) => output::line(text.as_bytes()),
            Err(error) => return Exit::failed(error.to_string()),
        },
        false => output::line(render(&findings, output::stdout_color()).as_bytes()),
    }
    let is_missing = findings.iter().any(|finding| finding.status == Status::Fail);
    Exit::code(u8::from(is_missing))
}

fn render(findings: &[Finding], color: bool) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for Finding { check, status, message, help } in findings {
        let (name, paint) = match status {
            Status::Ok => ("ok  ", "\x1b[32m"),
            Status::Info => ("-   ", "\x1b[2m"),
            Status::Warn => ("warn", "\x1b[33m"),
            Status::Fail => ("fail", "\x1b[31m"),
        };
        let (on, off) = if color { (paint, "\x1b[0m") } else { ("", "") };
        lines.push(format!("{on}{name}{off}  {check:width$}  {}", shown(message)));
        if let Some(help) = help {
            lines.push(format!("{:6}{:width$}  → {}", "", "", shown(help)));
        }
    }
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    lines.push(match (count(Status::Fail), count(Status::Warn)) {
        (0, 0) => "\nall is well".to_owned(),
        (0, 1) => "\nall that is needed is there; 1 warning".to_owned(),
        (0, warnings) => format!("\nall that is needed is there; {warnings} warnings"),
        (1, _) => "\nsomething that is needed is missing".to_owned(),
        (failures, _) => format!("\n{failures} things that are needed are missing"),
    });
    lines.join("\n")
}
