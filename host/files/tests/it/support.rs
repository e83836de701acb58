//! A directory among others, and an application with `fs.directory` entries.

use perilune_files::{Access, Directory, KINDS, VirtualPath};
use perilune_registry::{Baseline, Entry, EntryId, Kinds, Registry, Rules};
use perilune_resource::{Allowed, Host, Invocation, Invoke, Resources, Shared, Stream};
use perilune_value::{Failure, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// What lies outside of the directory and must never be seen.
pub(crate) const CANARY: &str = "the canary";

/// A directory `inside` with a neighbour that holds the canary.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) directory: Directory,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("inside")).expect("made");
        fs::create_dir(folder.path().join("outside")).expect("made");
        fs::write(folder.path().join("outside/secret.txt"), CANARY).expect("written");
        let directory = Directory::at(folder.path().join("inside"));
        Place { folder, directory }
    }

    pub(crate) fn inside(&self, path: &str) -> PathBuf {
        self.folder.path().join("inside").join(path)
    }

    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.folder.path().join("outside").join(path)
    }

    #[cfg(unix)]
    pub(crate) fn link(&self, to: impl AsRef<Path>, name: &str) {
        std::os::unix::fs::symlink(to, self.inside(name)).expect("linked");
    }

    pub(crate) async fn read(&self, path: &str) -> Result<String, Failure> {
        read(&self.directory, path).await
    }

    pub(crate) async fn write(&self, path: &str, access: Access, text: &str) -> Result<(), Failure> {
        let file = self.directory.open(&VirtualPath::parse(path)?, access).await?;
        file.write(text.as_bytes().to_vec()).await
    }
}

/// All of a file.
pub(crate) async fn read(directory: &Directory, path: &str) -> Result<String, Failure> {
    let file = directory.open(&VirtualPath::parse(path)?, Access::Read).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = file.read(7).await? {
        bytes.extend(piece);
    }
    Ok(String::from_utf8(bytes).expect("text"))
}

pub(crate) fn path(text: &str) -> VirtualPath {
    VirtualPath::parse(text).expect("a path")
}

struct NoFunctions;

impl Invoke for NoFunctions {
    fn invoke(&self, _: Invocation) -> futures_util::future::BoxFuture<'static, Result<Value, Failure>> {
        Box::pin(async { Err(Failure::internal("there are no functions")) })
    }
}

/// The resources of an application with one entry, `app:files`, of these fields.
pub(crate) fn application(
    folder: Option<&Path>,
    allowed: &[&Path],
    fields: &[(&str, Value)],
) -> Arc<Resources> {
    of_kind("fs.directory", folder, allowed, fields, Shared::default())
}

/// As [`application`], with an entry of another kind.
pub(crate) fn of_kind(
    kind: &str,
    folder: Option<&Path>,
    allowed: &[&Path],
    fields: &[(&str, Value)],
    shared: Shared,
) -> Arc<Resources> {
    let rules = Rules::new(KINDS.iter().fold(Kinds::standard(), |kinds, kind| kinds.with(kind.spec)));
    let id = EntryId::parse("app:files").expect("an id");
    let entry = fields
        .iter()
        .fold(Entry::new(id, kind), |entry, (name, value)| entry.with_field(name, value.clone()));
    let mut baseline = Baseline::new();
    baseline.add(entry);
    let registry = Arc::new(Registry::new(baseline, rules).unwrap_or_else(|report| panic!("{report}")));
    let directories = allowed.iter().map(|path| path.to_path_buf()).collect();
    let host = Host {
        registry,
        functions: Arc::new(NoFunctions),
        folder: folder.map(Path::to_owned),
        allowed: Allowed { directories, ..Allowed::default() },
        shared,
        variables: |_, _| Ok(None),
    };
    Resources::new(host, KINDS.iter().copied())
}
