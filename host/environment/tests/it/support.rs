//! Applications of `env.*` entries.

use perilune_environment::{KINDS, Variable, find, lookup};
use perilune_files::Directory;
use perilune_registry::{Baseline, Entry, EntryId, Kinds, Registry, Report, Rules};
use perilune_resource::{Allowed, Host, Invocation, Invoke, Resources, Shared};
use perilune_value::{Failure, Value, json};
use std::path::Path;
use std::sync::Arc;

/// Cargo sets it for tests: a variable of the operating system's environment that is surely there.
pub(crate) const SET: &str = "CARGO_PKG_NAME";

struct NoFunctions;

impl Invoke for NoFunctions {
    fn invoke(&self, _: Invocation) -> futures_util::future::BoxFuture<'static, Result<Value, Failure>> {
        Box::pin(async { Err(Failure::internal("there are no functions")) })
    }
}

pub(crate) struct App {
    pub(crate) resources: Arc<Resources>,
}

/// Entries of namespace `app`: name, kind, data as JSON.
pub(crate) type Definition<'a> = (&'a str, &'a str, &'a str);

pub(crate) fn entry((name, kind, data): Definition<'_>) -> Entry {
    let data = json::decode(data.as_bytes()).expect("JSON");
    Entry::new(EntryId::new("app", name).expect("an id"), kind).with_data(data)
}

impl App {
    pub(crate) fn new(entries: &[Definition<'_>]) -> App {
        Self::with(None, &[], entries)
    }

    /// With an application's folder, and names that the host allows.
    pub(crate) fn with(folder: Option<&Path>, allowed: &[&str], entries: &[Definition<'_>]) -> App {
        Self::build(folder, allowed, entries).unwrap_or_else(|report| panic!("{report}"))
    }

    pub(crate) fn build(
        folder: Option<&Path>,
        allowed: &[&str],
        entries: &[Definition<'_>],
    ) -> Result<App, Report> {
        let kinds = KINDS.iter().chain(perilune_files::KINDS);
        let rules = Rules::new(kinds.clone().fold(Kinds::standard(), |known, kind| known.with(kind.spec)));
        let mut baseline = Baseline::new();
        for definition in entries {
            baseline.add(entry(*definition));
        }
        let environment = allowed.iter().map(|name| name.to_string()).collect();
        let host = Host {
            registry: Arc::new(Registry::new(baseline, rules)?),
            functions: Arc::new(NoFunctions),
            folder: folder.map(Path::to_owned),
            allowed: Allowed { environment, ..Allowed::default() },
            shared: Shared::default(),
            variables: lookup,
        };
        Ok(App { resources: Resources::new(host, kinds.copied()) })
    }

    pub(crate) fn variable(&self, name: &str) -> Result<Arc<Variable>, Failure> {
        self.resources.get(&find(&self.resources, name)?.0.to_string())
    }

    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        self.variable(name)?.get()
    }

    pub(crate) fn set(&self, name: &str, value: &str) -> Result<bool, Failure> {
        self.variable(name)?.set(value)
    }

    /// The failure of opening `app:files`, whose field is to be looked at.
    pub(crate) fn directory(&self) -> Result<Arc<Directory>, Failure> {
        self.resources.get("app:files")
    }
}

pub(crate) fn some(text: &str) -> Result<Option<String>, Failure> {
    Ok(Some(text.to_owned()))
}
