//! The command line of the benchmarks: `cargo xtask bench`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "speaking to the terminal is what it is for")]

use clap::Parser;
use perilune_benches::select::Selection;
use perilune_benches::{Effort, GROUPS, Run, key, machine, report};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Measures what Perilune costs.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Cli {
    /// Measure for three minutes at most.
    #[arg(long)]
    quick: bool,
    /// Print what the keys mean and must reach, and measure nothing.
    #[arg(long)]
    list: bool,
    /// Write the report, the samples and the machine's description into this folder; may be given again.
    #[arg(long, value_name = "FOLDER")]
    out: Vec<PathBuf>,
    /// Measure only groups with a key that has this in its name.
    filters: Vec<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether every group could be measured. Targets that are missed are no failure.
fn run(cli: Cli) -> anyhow::Result<bool> {
    if cli.list {
        print!("{}", key::markdown(GROUPS));
        return Ok(true);
    }
    let selection = Selection::new(cli.filters, GROUPS)?;
    let effort = if cli.quick { Effort::Quick } else { Effort::Full };
    let mut run = Run::new(effort, selection);
    let machine = machine::describe(cli.quick);
    let mut complete = true;
    for group in GROUPS {
        let began = Instant::now();
        let first = group.keys.first().map_or("", |key| key.name);
        match run.group(group) {
            Ok(false) => continue,
            Ok(true) => eprintln!("{first} …: {:.1} s", began.elapsed().as_secs_f64()),
            Err(error) => {
                eprintln!("error: {first} …: {error:#}");
                complete = false;
            }
        }
        for folder in &cli.out {
            report::write(&run, &machine, folder)?;
        }
    }
    print!("{}", report::table(&run));
    Ok(complete)
}
