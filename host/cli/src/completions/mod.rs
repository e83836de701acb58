//! `perilune completions SHELL`, and what its scripts ask when somebody presses the key.
//!
//! | file | holds |
//! |---|---|
//! | `scripts/` | what shells are given that ask the program |
//! | `offers.rs` | what may stand where: ids of entries, commands, modules |

mod offers;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::output;
use clap_complete::engine::complete;
use clap_complete::{Shell, generate};
use std::ffi::OsString;

/// Prints what makes a shell complete.
pub(crate) fn completions(shell: Shell) -> Exit {
    let script = match shell {
        Shell::Bash => include_str!("scripts/perilune.bash").as_bytes().to_vec(),
        Shell::Zsh => include_str!("scripts/perilune.zsh").as_bytes().to_vec(),
        Shell::Fish => include_str!("scripts/perilune.fish").as_bytes().to_vec(),
        // They know commands and flags, and no entries.
        shell => {
            let mut script = Vec::new();
            generate(shell, &mut Arguments::program(), "perilune", &mut script);
            script
        }
    };
    output::line(script.trim_ascii_end());
    Exit::done()
}

/// Prints what the last of these words may become, each in a line of its own, with what is said of it behind a tab. `words` begin with
/// the program. It never fails: what cannot be found out is not offered.
pub(crate) fn candidates(words: Vec<OsString>) -> Exit {
    let Some(last) = words.len().checked_sub(1) else { return Exit::done() };
    // Flags are for those who begin one: there are thirty of them everywhere.
    let wants_flag = words[last].to_string_lossy().starts_with('-');
    let mut program = offers::program(&words);
    let found = complete(&mut program, words, last, None).unwrap_or_default();
    for candidate in found.iter().filter(|candidate| !candidate.is_hide_set()) {
        let value = candidate.get_value().to_string_lossy();
        // A name may have been made to be a line of its own, or to move the cursor.
        if value.chars().any(char::is_control) || (value.starts_with('-') && !wants_flag) {
            continue;
        }
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        match help.lines().next().filter(|help| !help.chars().any(char::is_control)) {
            Some(help) if !help.is_empty() => output::line(format!("{value}\t{help}").as_bytes()),
            _ => output::line(value.as_bytes()),
        }
    }
    Exit::done()
}
