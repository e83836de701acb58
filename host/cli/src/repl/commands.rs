//! What is said to the session itself: lines that begin with a dot.

use super::console::{Console, Next};
use super::docs;
use crate::exit::Exit;
use crate::output;
use crate::signals::Signals;
use perilune::Limits;
use std::fs;

/// Names of commands, what follows them, and what they do.
pub(super) const COMMANDS: [(&str, &str, &str); 8] = [
    ("help", "", "show this"),
    ("exit", "", "leave; so does Ctrl-D"),
    ("load", "FILE", "run a Lua file as one input"),
    ("entries", "[GLOB]", "list the application's entries: id and kind"),
    ("modules", "", "list the modules that may be required"),
    ("limits", "", "show what each input may take"),
    ("reset", "", "begin anew, without any globals"),
    ("doc", "NAME", "explain a module, a function or a class: `.doc json`, `.doc json.encode`"),
];

const NOTES: &str = "\
An input is one expression, whose values are shown, or statements. One that is not complete goes on in the next line.
Locals at the top of an input are kept for the next ones; those of blocks and functions are not.
Ctrl-C gives up the line or interrupts what runs. An input that reaches a limit ends, and the session goes on without what it did.";

/// Carries out a command; it has no dot any more.
pub(super) async fn run(console: &mut Console, command: &str, signals: &mut Signals) -> Next {
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let argument = rest.trim();
    match name {
        "help" => print(&help()),
        "exit" => return Next::Leave(Exit::done()),
        "load" => return load(console, argument, signals).await,
        "entries" => return entries(console, argument),
        "modules" => print(&console.session.modules().join("\n")),
        "limits" => print(&limits(console.session.limits())),
        "reset" => return console.reset().await,
        "doc" => return doc(argument),
        _ => {
            let names: Vec<String> = COMMANDS.iter().map(|(name, ..)| format!(".{name}")).collect();
            return wrong(&format!("there is no command `.{name}`; there are {}", names.join(", ")));
        }
    }
    Next::Input
}

fn help() -> String {
    let lines = COMMANDS.iter().map(|(name, argument, what)| {
        let command = format!(".{name} {argument}");
        format!("{command:18} {what}\n")
    });
    format!("{}\n{NOTES}", lines.collect::<String>())
}

async fn load(console: &mut Console, file: &str, signals: &mut Signals) -> Next {
    if file.is_empty() {
        return wrong("name the file to load: `.load FILE`");
    }
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return wrong(&format!("cannot read `{file}`: {error}")),
    };
    match console.run(file, 1, &text, signals).await {
        Next::More => wrong(&format!("`{file}` ends before it is complete")),
        next => next,
    }
}

fn entries(console: &Console, glob: &str) -> Next {
    let matcher = match globset::Glob::new(if glob.is_empty() { "*" } else { glob }) {
        Ok(glob) => glob.compile_matcher(),
        Err(error) => return wrong(&format!("`{glob}` is no pattern: {error}")),
    };
    let snapshot = console.runtime.registry().snapshot();
    let found: Vec<_> = snapshot
        .entries()
        .map(|entry| (entry.id().to_string(), entry.kind()))
        .filter(|(id, _)| matcher.is_match(id))
        .collect();
    let width = found.iter().map(|(id, _)| id.len()).max().unwrap_or_default();
    for (id, kind) in found {
        print(&format!("{id:width$}  {kind}"));
    }
    Next::Input
}

fn limits(limits: Limits) -> String {
    let timeout = limits.timeout.map_or_else(|| "none".to_owned(), |timeout| format!("{timeout:?}"));
    format!("memory   {} MiB\ncpu      {:?} a turn\ntimeout  {timeout}", limits.memory >> 20, limits.cpu)
}

fn doc(name: &str) -> Next {
    match docs::explain(name) {
        Some(text) => {
            print(text.trim_end());
            Next::Input
        }
        None => wrong(&format!(
            "nothing is known of `{name}`: name a module, a function such as `json.encode`, or a class"
        )),
    }
}

fn print(text: &str) {
    output::line(text.as_bytes());
}

fn wrong(message: &str) -> Next {
    output::error(message);
    Next::Failed
}
