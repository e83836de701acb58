//! `perilune repl`: reads Lua and runs it in the sandbox, input after input.
//!
//! | file | holds |
//! |---|---|
//! | `console.rs` | inputs, and what becomes of them |
//! | `commands.rs`, `docs.rs` | `.help` and the like; what `.doc` tells |
//! | `locals.rs` | locals of one input that the next one sees |
//! | `script.rs` | input that comes from a file or another program |
//! | `prompt.rs`, `helper.rs`, `history.rs` | input that is typed: the line editor, its completion and hints, what was typed before |

mod commands;
mod console;
mod docs;
mod helper;
mod history;
mod locals;
mod prompt;
mod script;

use crate::application;
use crate::arguments::Repl;
use crate::exit::Exit;
use crate::signals::Signals;
use console::Console;
use perilune::{Runtime, Session, SessionOptions};
use perilune_settings::Settings;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

/// `is_named` says that somebody named the directory, and so means the application in it.
pub(crate) async fn repl(
    directory: &Path,
    is_named: bool,
    settings: &Settings,
    command: Repl,
    signals: &mut Signals,
) -> Exit {
    let loaded = match is_named || holds_entries(directory, DEPTH) {
        true => application::load(directory, settings, None),
        false => application::check(directory).and_then(|()| application::bare(settings)),
    };
    let runtime = match loaded {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let authority = match command.behalf.authority(&runtime) {
        Ok(authority) => authority,
        Err(exit) => return exit,
    };
    let modules = (!command.modules.is_empty()).then_some(command.modules);
    let options = SessionOptions { modules, entry: command.entry, authority };
    let session = match runtime.session(options.clone()).await {
        Ok(session) => session,
        Err(failure) => return Exit::of_failure(&failure),
    };
    if !command.services {
        return talk(runtime, session, options, signals).await;
    }
    let started = tokio::select! {
        started = runtime.start() => started.map_err(|failure| Exit::of_failure(&failure)),
        () = signals.end() => Err(Exit::interrupted()),
    };
    let exit = match started {
        Ok(()) => talk(runtime.clone(), session, options, signals).await,
        Err(exit) => exit,
    };
    tokio::select! {
        () = runtime.stop() => exit,
        // Who asks once more does not want to wait.
        () = signals.end() => Exit::interrupted(),
    }
}

async fn talk(runtime: Runtime, session: Session, options: SessionOptions, signals: &mut Signals) -> Exit {
    let is_typed = io::stdin().is_terminal();
    let console = Console::new(runtime, session, options, is_typed);
    if is_typed { prompt::talk(console, signals).await } else { script::run(console, signals).await }
}

/// Folders below each other in which entries are looked for: applications keep them near their root.
const DEPTH: usize = 3;

/// Whether a folder looks like an application's.
fn holds_entries(place: &Path, depth: usize) -> bool {
    let Ok(listing) = fs::read_dir(place) else { return false };
    let mut folders = Vec::new();
    for entry in listing.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_hidden = name.to_string_lossy().starts_with('.');
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !is_hidden => folders.push(path),
            Ok(_) if !is_hidden && is_entry_file(&path) => return true,
            _ => {}
        }
    }
    depth > 0 && folders.iter().any(|folder| holds_entries(folder, depth - 1))
}

/// Whether a file says a namespace, which those of other programs rarely do.
fn is_entry_file(path: &Path) -> bool {
    /// Entry files say it at their top.
    const BEGINNING: usize = 64 << 10;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !matches!(extension.to_ascii_lowercase().as_str(), "yaml" | "yml" | "json") {
        return false;
    }
    let Ok(file) = fs::File::open(path) else { return false };
    let mut text = Vec::new();
    let read = io::Read::read_to_end(&mut io::Read::take(file, BEGINNING as u64), &mut text);
    read.is_ok() && String::from_utf8_lossy(&text).contains("namespace")
}
