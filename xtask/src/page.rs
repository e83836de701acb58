//! Pages of documentation, whose examples are run.
//!
//! A page with blocks that are files ([`Block::file`](crate::transcript::Block::file)) is run in a folder of its own, where each block
//! becomes its file before the steps after it run: a later block of the same name replaces it. Other pages are run in the folder
//! that they lie in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::session::Session;
use crate::transcript::{Outcome, Part, Step, Transcript};

/// How long the answers of what runs in the background may take to become the recorded ones.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a page's steps and describes each that does not do what is recorded: the list is empty when all do. With `record` the page is
/// written anew with what they print.
///
/// # Errors
///
/// When the page is no transcript, or a program cannot be run.
pub fn check(path: &Path, program: &Path, scratch: &Path, record: bool) -> anyhow::Result<Vec<String>> {
    let mut page = Transcript::read(path)?;
    let mut session = if page.blocks().any(|block| block.file().is_some()) {
        Session::in_own_folder(program, scratch)?
    } else {
        Session::new(program, path.parent().context("a page lies in a folder")?)
    };
    let mut differences = Vec::new();
    for part in &mut page.parts {
        match part {
            Part::Text(_) => {}
            Part::Block(block) => {
                if let Some(file) = block.file() {
                    session.write(file, &block.contents())?;
                }
            }
            Part::Step(step) => {
                let outcome = until(&mut session, step).with_context(|| path.display().to_string())?;
                if !step.matches(&outcome) {
                    differences.push(format!(
                        "{}:{}: $ {}\n--- recorded\n{}--- printed\n{outcome}",
                        path.display(),
                        step.line,
                        step.command,
                        step.expected
                    ));
                    step.record(timeless(outcome));
                }
            }
        }
    }
    if record && !differences.is_empty() {
        fs::write(path, page.to_string())?;
        differences.clear();
    }
    Ok(differences)
}

/// Runs a step; a question to what runs in the background is asked until the answer is the recorded one, as a reader would.
fn until(session: &mut Session, step: &Step) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    loop {
        let outcome = session.run(step)?;
        let may_change = session.is_in_background() && step.asks() && step.expected != Outcome::default();
        if step.matches(&outcome) || !may_change || begun.elapsed() > PATIENCE {
            return Ok(outcome);
        }
    }
}

/// Any time stands for the one that a log record begins with.
fn timeless(mut outcome: Outcome) -> Outcome {
    for line in &mut outcome.lines {
        let is_time =
            |time: &str| time.ends_with('Z') && time.chars().filter(|c| c.is_ascii_digit()).count() == 20;
        if line.get(..27).is_some_and(is_time) {
            line.replace_range(..27, "[..]");
        }
    }
    outcome
}

/// All Markdown files below some files and folders, in the order of their names.
///
/// # Errors
///
/// When one of them cannot be read.
pub fn find(places: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for place in places {
        if place.is_dir() {
            let below = fs::read_dir(place).with_context(|| place.display().to_string())?;
            let mut below = below.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
            below.sort();
            pages.extend(find(&below)?);
        } else if place.extension().is_some_and(|extension| extension == "md") {
            pages.push(place.clone());
        }
    }
    Ok(pages)
}
