//! An application directory made of a few lines of text.

use perilune_registry::{Baseline, Entry, EntryId, Kinds, Problem, Registry, Rules};
use perilune_value::{Failure, Value};
use std::path::Path;
use tempfile::TempDir;

/// Modules and names as a runtime would give them, and a stand-in for the compiler: `syntax error` in a source is one.
pub(crate) fn rules() -> Rules {
    Rules::new(Kinds::standard())
        .with_modules(["base64", "funcs", "http", "json", "process", "registry", "sql", "time"])
        .with_reserved(["channel", "print", "process", "string", "table"])
        .with_check(|entry| {
            let Some(text) = entry.source_text("source") else { return Vec::new() };
            let wrong = text.text().lines().position(|line| line.contains("syntax error"));
            wrong
                .map(|index| {
                    let code = perilune_registry::Code::new("E401");
                    Problem::in_source(
                        entry,
                        "source",
                        index + 1,
                        Some("error"),
                        code,
                        "syntax error near `error`",
                    )
                })
                .into_iter()
                .collect()
        })
}

/// A directory with files, removed when dropped.
pub(crate) struct App {
    pub(crate) dir: TempDir,
}

impl App {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let app = App { dir: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            app.write(path, text.as_bytes());
        }
        app
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) -> &Self {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn baseline(&self) -> Baseline {
        Baseline::read_dir(self.path(), &rules())
    }

    pub(crate) fn load(&self) -> Registry {
        Registry::load(self.path(), rules()).unwrap_or_else(|report| panic!("{report}"))
    }

    /// The rendered report of an application that must not load.
    pub(crate) fn refusal(&self) -> String {
        match Registry::load(self.path(), rules()) {
            Ok(_) => panic!("the application loaded"),
            Err(report) => report.render(false),
        }
    }
}

/// The refusal of a single file `app.yaml`, with a Lua file beside it.
pub(crate) fn refusal(yaml: &str) -> String {
    App::new(&[("app.yaml", yaml), ("main.lua", "return {}\n")]).refusal()
}

/// What a refused change is told: its message, and what to do about each problem.
pub(crate) fn told(failure: Failure) -> String {
    let problems = failure.details.as_ref().and_then(|details| details.get("problems")).cloned();
    let Some(Value::Array(problems)) = problems else { return failure.message };
    let help = problems.iter().filter_map(|problem| problem.get("help").and_then(Value::as_str));
    help.fold(failure.message.clone(), |told, help| format!("{told}\n  {help}"))
}

pub(crate) fn id(text: &str) -> EntryId {
    EntryId::parse(text).unwrap()
}

pub(crate) fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::from_iter(pairs)
}

/// A library that imports others.
pub(crate) fn library(name: &str, imports: &[(&str, &str)]) -> Entry {
    Entry::new(id(name), "library.lua")
        .with_field("source", "return {}")
        .with_field("imports", Value::from_iter(imports.iter().copied()))
}

pub(crate) fn data(name: &str, value: i64) -> Entry {
    Entry::new(id(name), "registry.entry").with_field("value", value)
}

pub(crate) fn registry(entries: impl IntoIterator<Item = Entry>) -> Registry {
    let mut baseline = Baseline::new();
    for entry in entries {
        baseline.add(entry);
    }
    Registry::new(baseline, rules()).unwrap_or_else(|report| panic!("{report}"))
}
