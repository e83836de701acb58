//! A folder with files, and settings from it.

#![allow(dead_code, reason = "each program of tests uses a part of it")]

use clap::{Args, Command, FromArgMatches};
use perilune_settings::{Flags, Problems, Resolved, Sources, resolve};
use std::path::Path;
use tempfile::TempDir;

/// An application's folder.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// With these settings.
    pub(crate) fn with(yaml: &str) -> Folder {
        let folder = Folder::empty();
        std::fs::write(folder.path().join("perilune.yaml"), yaml).expect("the file is written");
        folder
    }

    /// With nothing.
    pub(crate) fn empty() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// As of its application: what was typed, and variables.
    pub(crate) fn resolve(&self, flags: &[&str], variables: &[(&str, &str)]) -> Result<Resolved, Problems> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        resolve(&Sources { flags: typed(flags), variables, folder: Some(self.path().to_owned()) })
    }

    /// What is wrong, with the folder's path left out.
    pub(crate) fn refused(&self, flags: &[&str], variables: &[(&str, &str)]) -> String {
        let problems = self.resolve(flags, variables).expect_err("it is refused");
        problems
            .to_string()
            .replace(&format!("{}/", self.path().display()), "")
            .replace(&self.path().display().to_string(), "FOLDER")
    }

    /// What it sets one setting to, and who said so.
    pub(crate) fn get(&self, key: &str, flags: &[&str], variables: &[(&str, &str)]) -> (String, String) {
        let resolved = self.resolve(flags, variables).unwrap_or_else(|problems| panic!("{problems}"));
        let setting = resolved.get(key).expect("there is such a setting");
        (setting.shown(), setting.from.to_string().replace(&format!("{}/", self.path().display()), ""))
    }
}

/// A program with all flags and two commands.
pub(crate) fn program() -> Command {
    let program = Command::new("perilune").subcommand(Command::new("call")).subcommand(Command::new("ps"));
    perilune_settings::fit(Flags::augment_args(program))
}

/// What was typed.
pub(crate) fn typed(flags: &[&str]) -> Flags {
    let matches = program().try_get_matches_from([&["perilune"], flags].concat()).expect("clap takes them");
    Flags::from_arg_matches(&matches).expect("flags are read")
}
