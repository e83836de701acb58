//! Runs the program in a temporary application.

#![allow(dead_code, reason = "each program of tests uses a part of it")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// An application in a temporary folder.
pub(crate) struct App(TempDir);

/// How the program ended, and what it wrote.
#[derive(Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl App {
    /// An application of one YAML file and other files: paths and contents.
    pub(crate) fn new(yaml: &str, files: &[(&str, &str)]) -> App {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, contents) in files.iter().chain(&[("app.yaml", yaml)]) {
            std::fs::write(folder.path().join(path), contents).expect("the file is written");
        }
        App(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program in the application's folder, without the caller's log settings and colours.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.args(args).current_dir(self.path());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        ended(self.command(args).output().expect("the program runs"))
    }
}

/// The program, without the caller's log settings and colours.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perilune"));
    command.stdin(Stdio::null());
    command
        .env_remove("RUST_LOG")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env("RUST_BACKTRACE", "0");
    command
}

/// How a program ended.
pub(crate) fn ended(output: Output) -> Ended {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// The program's words, without times that differ from run to run.
pub(crate) fn timeless(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let is_time =
            |at: usize| words[at].parse::<f64>().is_ok() && matches!(words.get(at + 1), Some(&"ms" | &"s"));
        let shown = (0..words.len()).map(|at| match at {
            _ if is_time(at) => "[n]",
            1.. if is_time(at - 1) => "ms",
            _ => words[at],
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
