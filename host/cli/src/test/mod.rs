//! `perilune test [FILTER…]`: the application's tests.
//!
//! | file | holds |
//! |---|---|
//! | `select.rs` | which tests there are, and which are meant |
//! | `run.rs` | running them, several at a time |
//! | `report.rs` | what is seen of it on the terminal |
//! | `place.rs` | the line of a file that a failure comes from |
//! | `summary.rs` | the results as JSON |
//! | `junit.rs` | the results as JUnit XML |
//! | `coverage.rs`, `lcov.rs` | which lines ran, as a table and as lcov |

mod coverage;
mod junit;
mod lcov;
mod place;
mod report;
mod run;
mod select;
mod summary;

use crate::arguments;
use crate::call::duration;
use crate::exit::Exit;
use crate::signals::Signals;
use crate::{application, output};
use coverage::Covered;
use perilune::{Coverage, Failure, Identity, Runtime};
use perilune_settings::Settings;
use run::{Finished, Outcome, Runner};
pub(crate) use select::is_test;
use select::{Filters, Test};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Why a run ends before all tests have.
enum Stop {
    Interrupted,
    /// An entry asked for it, with an exit code.
    Asked(i32),
    /// A service that is required was given up.
    Service(Failure),
}

pub(crate) async fn test(
    directory: &Path,
    settings: &Settings,
    command: arguments::Test,
    signals: Signals,
) -> Exit {
    carry_out(directory, settings, command, signals).await.unwrap_or_else(|exit| exit)
}

async fn carry_out(
    directory: &Path,
    settings: &Settings,
    command: arguments::Test,
    mut signals: Signals,
) -> Result<Exit, Exit> {
    let timeout = command.timeout.as_deref().map(duration).transpose().map_err(Exit::usage)?;
    let filters = Filters::parse(&command.filters).map_err(Exit::usage)?;
    let coverage = command.coverage.then(Arc::<Coverage>::default);
    let runtime = application::load_with(directory, settings, |builder| {
        // What tests print is theirs; what runs besides is none of the report.
        let print = |_: &Identity, line: &[u8], _: &str| {
            output::report(&format!("{}\n", String::from_utf8_lossy(line)));
        };
        let builder = builder.output(print);
        match &coverage {
            Some(coverage) => builder.coverage(coverage.clone()),
            None => builder,
        }
    })?;
    let authority = command.behalf.authority(&runtime)?;
    let snapshot = runtime.registry().snapshot();
    let all = select::all(&snapshot).map_err(Exit::failed)?;
    let count = all.len();
    let tests: Vec<Test> = all.into_iter().filter(|test| filters.fit(test)).collect();
    if tests.is_empty() {
        return Err(none(count, &command.filters));
    }
    if command.list {
        report::list(&tests, command.format.json);
        return Ok(Exit::done());
    }
    if !command.no_services {
        start(&runtime, &mut signals).await?;
    }

    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = command.jobs.map_or(cores, NonZeroUsize::get);
    let runner = Runner { runtime: runtime.clone(), authority, jobs, timeout, fail_fast: command.fail_fast };
    let mut printer = report::Printer::new(&tests, command.format.json);
    let began = Instant::now();
    let stop = async {
        tokio::select! {
            () = signals.end() => Stop::Interrupted,
            code = runtime.exit_requested() => Stop::Asked(code),
            failure = runtime.service_given_up() => Stop::Service(failure),
        }
    };
    let (finished, stopped) = runner.run(tests, |at, one| printer.finished(at, one), stop).await;
    let took = began.elapsed();
    tokio::select! {
        () = runtime.stop() => {}
        // Who asks twice does not want to wait.
        () = signals.end() => {}
    }

    let covered = coverage.map(|coverage| coverage::gather(&coverage, &snapshot));
    printer.finish(&finished, &snapshot, took);
    if command.format.json {
        summary::print(&finished, &snapshot, took, covered.as_deref());
    } else if let Some(covered) = &covered {
        coverage::print(covered);
    }
    if let Some(file) = &command.junit {
        write(file, junit::render(&finished, took).map_err(Exit::failed)?)?;
    }
    if let (Some(file), Some(covered)) = (&command.lcov, &covered) {
        // In a pack, files have no folder on this machine.
        let folder = if directory.is_dir() { directory } else { Path::new("") };
        write(file, lcov::render(covered, folder))?;
    }
    Ok(exit(&finished, stopped, covered.as_deref(), command.min))
}

/// Starts what starts with the application, as `perilune run` does.
async fn start(runtime: &Runtime, signals: &mut Signals) -> Result<(), Exit> {
    tokio::select! {
        started = runtime.start() => started.map_err(|failure| {
            Exit::of_failure(&failure).with_help("tests that need no services run with `--no-services`")
        }),
        code = runtime.exit_requested() => Err(Exit::requested(code)),
        () = signals.end() => Err(Exit::interrupted()),
    }
}

fn write(file: &Path, text: String) -> Result<(), Exit> {
    std::fs::write(file, text)
        .map_err(|error| Exit::failed(format!("{} cannot be written: {error}", file.display())))
}

fn none(count: usize, filters: &[String]) -> Exit {
    if count == 0 {
        let what = "the application has no tests: a test is a function with `meta: {type: test}`";
        return Exit::failed(what);
    }
    let filters: Vec<_> = filters.iter().map(|filter| format!("`{filter}`")).collect();
    let message = format!("none of the {count} tests fits {}", filters.join(" or "));
    Exit::failed(message).with_help("`perilune test --list` shows them; `*` stands for anything")
}

fn exit(finished: &[Finished], stopped: Option<Stop>, covered: Option<&[Covered]>, min: Option<f64>) -> Exit {
    match stopped {
        Some(Stop::Interrupted) => return Exit::interrupted(),
        Some(Stop::Asked(code)) => {
            return Exit::failed(format!("an entry ended the program with `system.exit({code})`"));
        }
        Some(Stop::Service(failure)) => return Exit::of_failure(&failure),
        None => {}
    }
    if finished.iter().any(|one| !matches!(one.outcome, Outcome::Passed | Outcome::Skipped(_))) {
        return Exit::code(1);
    }
    match (covered.map(coverage::percent), min) {
        (Some(percent), Some(min)) if percent < min => {
            Exit::failed(format!("{} of the lines ran, and --min asks for {min} %", coverage::shown(percent)))
        }
        _ => Exit::done(),
    }
}
