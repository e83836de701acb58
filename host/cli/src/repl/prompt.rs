//! Input that is typed.
//!
//! The line editor waits on a thread of its own, and asks for completions from there; everything else happens here.

use super::console::{Console, Next};
use super::helper::Offers;
use super::history;
use crate::exit::Exit;
use crate::output;
use crate::signals::Signals;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};
use std::sync::mpsc;
use tokio::sync::mpsc as asynchronous;

const FIRST: &str = "> ";
const FURTHER: &str = ">> ";

/// What the line editor's thread wants.
enum Request {
    /// The names that follow a path.
    Names(Vec<String>, mpsc::Sender<Vec<String>>),
    /// A line was typed, or not.
    Line(Result<String, ReadlineError>),
}

/// What the line editor's thread is to do.
enum Order {
    Read(&'static str),
    /// Remember an input.
    Keep(String),
}

pub(super) async fn talk(mut console: Console, signals: &mut Signals) -> Exit {
    let console = &mut console;
    let (asks, mut requests) = asynchronous::unbounded_channel();
    let (orders, waiting) = mpsc::channel();
    let entries =
        console.runtime.registry().snapshot().entries().map(|entry| entry.id().to_string()).collect();
    let modules = console.session.modules().to_vec();
    let editor = std::thread::spawn(move || {
        if let Err(error) = edit(entries, modules, &asks, &waiting) {
            let _ = asks.send(Request::Line(Err(error)));
        }
    });
    output::status("Lua in the sandbox: .help explains, Ctrl-D leaves");
    let mut input = String::new();
    let exit = loop {
        let prompt = if console.is_open() { FURTHER } else { FIRST };
        if orders.send(Order::Read(prompt)).is_err() {
            break Exit::failed("the line editor has ended");
        }
        let line = match line(console, &mut requests, signals).await {
            Some(line) => line,
            None => return Exit::interrupted(),
        };
        match line {
            Ok(line) => {
                if !input.is_empty() {
                    input.push('\n');
                }
                input.push_str(&line);
                match console.take(&line, signals).await {
                    Next::More => continue,
                    Next::Leave(exit) => break exit,
                    Next::Input | Next::Failed | Next::Interrupted => {}
                }
                let _ = orders.send(Order::Keep(std::mem::take(&mut input)));
            }
            Err(ReadlineError::Interrupted) => {
                console.cancel();
                input.clear();
            }
            Err(ReadlineError::Eof) => break Exit::done(),
            Err(error) => break Exit::failed(format!("cannot read from the terminal: {error}")),
        }
    };
    drop(orders);
    let _ = editor.join();
    exit
}

/// The next line; `None` when the program is asked to end.
async fn line(
    console: &mut Console,
    requests: &mut asynchronous::UnboundedReceiver<Request>,
    signals: &mut Signals,
) -> Option<Result<String, ReadlineError>> {
    loop {
        let request = tokio::select! {
            request = requests.recv() => request,
            () = signals.end() => return None,
        };
        match request {
            Some(Request::Line(line)) => return Some(line),
            Some(Request::Names(path, answer)) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let _ = answer.send(console.session.names(&path).await);
            }
            None => return Some(Err(ReadlineError::Eof)),
        }
    }
}

/// The line editor's thread: reads lines as it is ordered to.
fn edit(
    entries: Vec<String>,
    modules: Vec<String>,
    asks: &asynchronous::UnboundedSender<Request>,
    orders: &mpsc::Receiver<Order>,
) -> Result<(), ReadlineError> {
    let has_color = output::stdout_color();
    let config = Config::builder()
        .max_history_size(history::MOST)?
        .history_ignore_dups(true)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .color_mode(if has_color { ColorMode::Enabled } else { ColorMode::Disabled })
        .build();
    let asked = asks.clone();
    let names = move |path: &[&str]| {
        let (answer, answered) = mpsc::channel();
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        let _ = asked.send(Request::Names(path, answer));
        answered.recv().unwrap_or_default()
    };
    let mut editor: Editor<Offers, FileHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Offers { entries, modules, names: Box::new(names), has_color }));
    let file = history::file();
    if let Some(file) = &file {
        // There is none yet, or what is in it is none of ours.
        let _ = editor.load_history(file);
    }
    while let Ok(order) = orders.recv() {
        match order {
            Order::Read(prompt) => {
                if asks.send(Request::Line(editor.readline(prompt))).is_err() {
                    break;
                }
            }
            Order::Keep(input) => {
                if editor.add_history_entry(input)?
                    && let Some(file) = &file
                    && let Err(error) = editor.append_history(file)
                {
                    tracing::debug!(%error, "what is typed cannot be kept");
                }
            }
        }
    }
    Ok(())
}
