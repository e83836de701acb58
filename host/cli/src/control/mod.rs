//! `perilune ps`, `inspect`, `send`, `cancel`, `terminate`: what a running application answers.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the commands, and the side of `perilune run` |
//! | `tree.rs` | who is shown below whom |
//! | `ps.rs`, `inspect.rs` | a list of all that runs, and one process, as text |
//! | `table.rs` | columns |
//! | `text.rs` | times, sizes, and texts of entries that nobody has checked |

mod inspect;
mod ps;
pub(crate) mod table;
pub(crate) mod text;
mod tree;

use crate::arguments::{Control, Format, Whom};
use crate::call::argument;
use crate::exit::Exit;
use crate::{application, output};
use perilune::{ProcessDetails, Runtime};
use perilune_control::{ControlError, Listing, Order, Server};
use serde::Serialize;
use std::path::Path;

/// Under which both sides log.
const LOG: &str = "perilune::control";

/// Lets the application answer until the result is dropped. It runs without that as well.
pub(crate) fn serve(runtime: &Runtime, directory: &Path, command: Option<&str>) -> Option<Server> {
    match perilune_control::serve(runtime, directory, command) {
        Ok(server) => Some(server),
        // Commands are run beside the services every day.
        Err(error @ ControlError::AlreadyRunning(_)) if command.is_some() => {
            tracing::info!(target: LOG, "{error}, and is whom `perilune ps` asks");
            None
        }
        Err(error @ ControlError::AlreadyRunning(_)) => {
            tracing::warn!(target: LOG, "{error}, and is whom `perilune ps` asks");
            None
        }
        Err(error) => {
            tracing::warn!(target: LOG, "`perilune ps` will find nobody: {error}");
            None
        }
    }
}

/// Asks the application of a directory.
pub(crate) fn control(directory: &Path, command: Control) -> Exit {
    match carry_out(directory, command) {
        Ok(()) => Exit::done(),
        Err(exit) => exit,
    }
}

fn carry_out(directory: &Path, command: Control) -> Result<(), Exit> {
    application::check(directory)?;
    let ask = |order| perilune_control::ask::<()>(directory, &order).map_err(exit);
    match command {
        Control::Ps { format } => {
            let listing: Listing = perilune_control::ask(directory, &Order::List).map_err(exit)?;
            print(&listing, format, |listing| ps::render(listing, output::stdout_color()))
        }
        Control::Inspect { whom: Whom { pid }, format } => {
            let order = Order::Inspect { pid };
            let details: ProcessDetails = perilune_control::ask(directory, &order).map_err(exit)?;
            print(&details, format, inspect::render)
        }
        Control::Send { whom: Whom { pid }, topic, values } => {
            ask(Order::Send { pid, topic, values: json(&values).map_err(Exit::usage)? })
        }
        Control::Cancel { whom: Whom { pid }, reason } => ask(Order::Cancel { pid, reason }),
        Control::Terminate { whom: Whom { pid } } => ask(Order::Terminate { pid }),
    }
}

fn print<T: Serialize>(answer: &T, format: Format, render: impl Fn(&T) -> String) -> Result<(), Exit> {
    let text = match format.json {
        true => serde_json::to_string(answer).map_err(|error| Exit::failed(error.to_string()))?,
        false => render(answer),
    };
    output::line(text.as_bytes());
    Ok(())
}

pub(crate) fn json(texts: &[String]) -> Result<Vec<serde_json::Value>, String> {
    let parse = |(position, text): (usize, &String)| {
        argument(position, text)?;
        serde_json::from_str(text).map_err(|error| format!("argument {position} is not JSON: {error}"))
    };
    (1..).zip(texts).map(parse).collect()
}

fn exit(error: ControlError) -> Exit {
    let help = match &error {
        ControlError::NotRunning(_) => "start it with `perilune run`, or name its directory with -C",
        ControlError::Refused { code, .. } if code == "NotFound" => "`perilune ps` lists what runs",
        _ => return Exit::failed(format!("{error} [{}]", error.code())),
    };
    Exit::failed(format!("{error} [{}]", error.code())).with_help(help)
}
