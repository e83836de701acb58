//! `perilune call ID [JSON…]`.

use crate::arguments;
use crate::exit::Exit;
use crate::{application, output};
use perilune::{Call, Value, json};
use perilune_settings::Settings;
use std::path::Path;
use std::time::Duration;

pub(crate) async fn call(directory: &Path, settings: &Settings, command: arguments::Call) -> Exit {
    let call = match prepare(&command) {
        Ok(call) => call,
        Err(message) => return Exit::usage(message),
    };
    let runtime = match application::load(directory, settings, None) {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let call = match command.behalf.authority(&runtime) {
        Ok(authority) => call.authority(authority),
        Err(exit) => return exit,
    };
    let result = tokio::select! {
        // An entry that asks for the end and then returns has asked first.
        biased;
        code = runtime.exit_requested() => return Exit::requested(code),
        result = runtime.call_with(call) => result,
    };
    match result.and_then(|result| json::encode(&result)) {
        Ok(text) => {
            output::line(text.as_bytes());
            Exit::done()
        }
        Err(failure) => command.behalf.exit(&failure),
    }
}

fn prepare(command: &arguments::Call) -> Result<Call, String> {
    let mut call = Call::new(&command.target);
    for (position, text) in command.args.iter().enumerate() {
        call = call.arg(argument(position + 1, text)?);
    }
    match &command.timeout {
        Some(text) => Ok(call.timeout(duration(text)?)),
        None => Ok(call),
    }
}

pub(crate) fn argument(position: usize, text: &str) -> Result<Value, String> {
    json::decode(text.as_bytes()).map_err(|failure| {
        format!("argument {position} is not JSON: {}; a text is written '\"{text}\"'", failure.message)
    })
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let nanos = perilune::parse_duration(text).filter(|duration| !duration.is_zero());
    nanos.ok_or_else(|| format!("--timeout {text}: not a positive time such as 500ms or 1m30s"))
}
