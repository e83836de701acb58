//! `perilune completions SHELL`.

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::output;
use clap_complete::{Shell, generate};

/// Prints what makes a shell complete.
pub(crate) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::program(), "perilune", &mut script);
    output::line(script.trim_ascii_end());
    Exit::done()
}
