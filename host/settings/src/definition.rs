//! What a setting is.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

/// One setting. Its flag, its variable, its key in the file, its help, checks and documentation come from here.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The key in the file, with dots between sections: `limits.cpu`.
    pub key: &'static str,
    /// What it does, as one line.
    pub doc: &'static str,
    /// What it may be.
    pub ty: Type,
    /// What holds where nobody says anything, as it would be written; `None` where the program finds out.
    pub default: Option<&'static str>,
    /// In place of a default that the program finds out: what it will be.
    pub otherwise: &'static str,
    /// Why the default is what it is.
    pub reason: &'static str,
    /// Commands that heed it.
    pub commands: Commands,
    /// Whether only the operator may set it: by flag, variable or `--config`. What an application brings along in its own folder
    /// must not widen what the application may do.
    pub operator: bool,
    /// Whether its value is never shown.
    pub secret: bool,
    /// Another variable that is asked after the one of this name.
    pub also: Option<&'static str>,
    /// Whether `-h` shows it; `--help` shows all.
    pub common: bool,
}

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// Bytes, such as `64MiB`.
    Bytes {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A time, such as `500ms` or `1m30s`.
    Duration {
        /// The least.
        least: Duration,
        /// The most.
        most: Duration,
    },
    /// One of a few words.
    Word(&'static [Word]),
    /// Any text; `named` is what help calls it.
    Text {
        /// What help calls it, such as `FILTER`.
        named: &'static str,
    },
    /// A folder. In a file it is relative to that file.
    Folder,
    /// Several texts.
    Texts {
        /// What help calls one of them, such as `HOST`.
        named: &'static str,
    },
    /// Several folders.
    Folders,
}

/// A word that a setting may be.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// As it is written.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// Commands that heed a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    /// Every command.
    All,
    /// Those that load an application and run entries.
    Entries,
    /// These.
    Only(&'static [&'static str]),
}

/// Commands that load an application and run entries.
const ENTRIES: [&str; 8] = ["run", "call", "test", "repl", "workflow", "registry", "lint", "pack"];

/// Commands that show or check all settings.
const ABOUT_SETTINGS: [&str; 2] = ["settings", "doctor"];

impl Commands {
    /// Whether this command heeds it.
    pub fn contain(self, command: &str) -> bool {
        ABOUT_SETTINGS.contains(&command)
            || match self {
                Commands::All => true,
                Commands::Entries => ENTRIES.contains(&command),
                Commands::Only(names) => names.contains(&command),
            }
    }
}

/// Names made from keys, once: clap wants them to live for ever.
struct Names {
    flag: String,
    variable: String,
}

static NAMES: LazyLock<HashMap<&'static str, Names>> = LazyLock::new(|| {
    let names = |key: &str| Names {
        flag: key.replace(['.', '_'], "-"),
        variable: format!("PERILUNE_{}", key.replace('.', "_").to_uppercase()),
    };
    crate::ALL.iter().map(|definition| (definition.key, names(definition.key))).collect()
});

impl Definition {
    /// To write definitions with.
    pub(crate) const EMPTY: Definition = Definition {
        key: "",
        doc: "",
        ty: Type::Bool,
        default: None,
        otherwise: "",
        reason: "",
        commands: Commands::Entries,
        operator: false,
        secret: false,
        also: None,
        common: false,
    };

    /// The flag without its dashes: `limits-cpu`.
    pub fn flag(&self) -> &'static str {
        NAMES.get(self.key).map_or(self.key, |names| &names.flag)
    }

    /// The variable: `PERILUNE_LIMITS_CPU`.
    pub fn variable(&self) -> &'static str {
        NAMES.get(self.key).map_or(self.key, |names| &names.variable)
    }

    /// The section of the file that it stands in; empty at the top.
    pub fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// What holds where nobody says anything, for readers.
    pub fn default_text(&self) -> &'static str {
        self.default.unwrap_or(self.otherwise)
    }

    /// What help calls its value.
    pub(crate) fn value_name(&self) -> &'static str {
        match self.ty {
            Type::Bool => "BOOL",
            Type::Integer { .. } => "COUNT",
            Type::Bytes { .. } => "BYTES",
            Type::Duration { .. } => "TIME",
            // Words that begin with `auto` say when.
            Type::Word(words) => match words.first() {
                Some(first) if first.name == "auto" => "WHEN",
                _ => "WORD",
            },
            Type::Text { named } | Type::Texts { named } => named,
            Type::Folder | Type::Folders => "DIR",
        }
    }

    /// Whether it holds several values.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.ty, Type::Texts { .. } | Type::Folders)
    }
}
