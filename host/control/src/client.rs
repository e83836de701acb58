//! The side that asks.

use crate::ControlError;
use crate::Order;
use crate::place::places;
use crate::protocol::{Outcome, Reply, Request, VERSION, Versioned};
use serde::de::DeserializeOwned;
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long an application that lives may take, also one whose cores are all busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the application of a directory, and waits for its answer.
///
/// # Errors
///
/// [`ControlError`]: nobody listens, or what is asked for cannot be done.
pub fn ask<T: DeserializeOwned>(directory: &Path, order: &Order) -> Result<T, ControlError> {
    let directory = fs::canonicalize(directory).map_err(ControlError::io(directory))?;
    let stream = connect(&directory)?;
    let patience = match order {
        // It has as long as the application gives it, and tells when that is over.
        Order::Workflow { .. } => crate::workflow::PATIENCE + PATIENCE,
        _ => PATIENCE,
    };
    let line = exchange(&stream, order, patience).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => ControlError::Silent(directory.clone()),
        _ => ControlError::io(&directory)(error),
    })?;
    // One that just ends closes its connections.
    if line.is_empty() { Err(ControlError::Silent(directory)) } else { read(&line) }
}

fn connect(directory: &Path) -> Result<UnixStream, ControlError> {
    let mut problem = ControlError::NotRunning(directory.to_owned());
    for (at, place) in places(directory).iter().enumerate() {
        match place.connect() {
            Ok(Some(stream)) => return Ok(stream),
            // The others are seldom used, and what is wrong with them is seldom the matter.
            Err(error) if at == 0 => problem = error,
            Ok(None) | Err(_) => {}
        }
    }
    Err(problem)
}

fn exchange(stream: &UnixStream, order: &Order, patience: Duration) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = serde_json::to_vec(&Request { version: VERSION, order })?;
    request.push(b'\n');
    let mut stream = stream;
    // Who does not want to read it all has said why before it closed.
    match stream.write_all(&request) {
        Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            return Err(error);
        }
        _ => {}
    }
    let mut line = Vec::new();
    BufReader::new(stream).read_until(b'\n', &mut line)?;
    Ok(line)
}

fn read<T: DeserializeOwned>(line: &[u8]) -> Result<T, ControlError> {
    let malformed = |error: serde_json::Error| ControlError::Malformed(error.to_string());
    let Versioned { version } = serde_json::from_slice(line).map_err(malformed)?;
    // A refusal is read in any version: it may say that this one is not known.
    match serde_json::from_slice::<Reply<serde_json::Value>>(line).map_err(malformed)?.outcome {
        Outcome::Error(refusal) => Err(refusal.into()),
        Outcome::Ok(_) if version != VERSION => {
            Err(ControlError::Malformed(format!("it speaks version {version}, this program {VERSION}")))
        }
        Outcome::Ok(answer) => serde_json::from_value(answer).map_err(malformed),
    }
}
