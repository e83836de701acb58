//! Shows `examples/` at work: each folder's README is a transcript whose commands are run.

use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::session::Session;
use crate::setup;
use crate::transcript::{Part, Transcript};
use crate::workspace::Workspace;

/// Builds `perilune` and runs the examples, or one of them.
///
/// # Errors
///
/// When the build fails, an example is not there, or a command does not end or print as its README says;
/// the rest is shown all the same.
pub fn run(workspace: &Workspace, only: Option<&str>, record: bool) -> anyhow::Result<()> {
    let transcripts: Vec<_> = find(&workspace.root.join("examples"), only)?
        .into_iter()
        .map(|path| Ok((Transcript::read(&path)?, path)))
        .collect::<anyhow::Result<_>>()?;
    setup::ensure(workspace)?;
    // All packages are named, so that features are resolved as for the tests and wasmtime is compiled once.
    workspace.cargo(&["build", "--workspace", "--bin", "perilune"])?;
    let program = workspace.target.join("debug").join(format!("perilune{}", consts::EXE_SUFFIX));
    ensure!(program.is_file(), "cargo built no `{}`; unset `CARGO_BUILD_TARGET`", program.display());

    let mut differences = 0;
    for (transcript, path) in transcripts {
        differences += show(transcript, &path, &program, record)?;
    }
    if differences > 0 && !record {
        bail!("{differences} of the commands did not do what the README files of the examples say");
    }
    Ok(())
}

/// The README files of all examples in the order of their folders' names, or of one of them.
///
/// # Errors
///
/// When there is none.
pub fn find(examples: &Path, only: Option<&str>) -> anyhow::Result<Vec<PathBuf>> {
    let shown = examples.display();
    let mut all: Vec<PathBuf> = fs::read_dir(examples)
        .with_context(|| format!("cannot read `{shown}`"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    all.retain(|dir| {
        dir.is_dir() && only.is_none_or(|name| dir.file_name().is_some_and(|file| file == name))
    });
    all.sort();
    match only {
        _ if !all.is_empty() => Ok(all.iter().map(|dir| dir.join("README.md")).collect()),
        Some(name) => bail!("there is no example `{name}`; `{shown}` has those there are"),
        None => bail!("`{shown}` has no example, which is a folder with a README.md"),
    }
}

/// Prints one transcript with what its commands really print; says how many differ from the recording.
fn show(mut transcript: Transcript, path: &Path, program: &Path, record: bool) -> anyhow::Result<usize> {
    let dir = path.parent().context("a README has a folder")?.to_path_buf();
    let mut session = Session::new(program, &dir);
    let mut differences = 0;
    for part in &mut transcript.parts {
        match part {
            Part::Text(text) => println!("{text}"),
            Part::Block(block) => print!("{}", block.text()),
            Part::Step(step) => {
                println!("$ {}", step.command);
                let outcome = session.run(step)?;
                print!("{outcome}");
                if !step.matches(&outcome) {
                    differences += 1;
                    step.record(outcome);
                    if !record {
                        eprintln!("(^ {}:{} has another result)", path.display(), step.line);
                    }
                }
            }
        }
    }
    println!();
    if record && differences > 0 {
        fs::write(path, transcript.to_string())
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        eprintln!("recorded {}", path.display());
    }
    Ok(differences)
}
