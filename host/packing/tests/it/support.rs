//! Applications in temporary folders, and packs of them.

use perilune_pack::{Content, Pack, Writer};
use perilune_packing::{Application, Compiler, PackOptions, PackingError, files, pack};
use perilune_registry::{Baseline, Kinds, Registry, Rules};
use perilune_value::Failure;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

pub(crate) struct App(TempDir);

impl App {
    /// An application of these files: paths and contents.
    pub(crate) fn new(files: &[(&str, &str)]) -> App {
        let app = App(tempfile::tempdir().expect("a temporary folder"));
        for (path, text) in files {
            app.write(path, text);
        }
        app
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(path, text).expect("it is written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::load(self.path(), rules()).unwrap_or_else(|report| panic!("{report}"))
    }

    /// The application in a pack, unless it is refused.
    pub(crate) fn try_pack(&self, bytecode: Option<&[&str]>) -> Result<Writer, PackingError> {
        let registry = self.registry();
        let application = Application { registry: &registry, folder: Some(self.path()), pack: None };
        pack(application, &options(bytecode), &compiler(), &mut |_| true)
    }

    /// The bytes of its pack.
    pub(crate) fn bytes(&self, bytecode: Option<&[&str]>) -> Vec<u8> {
        let writer = self.try_pack(bytecode).unwrap_or_else(|error| panic!("{error}"));
        writer.finish(None).expect("right paths")
    }

    pub(crate) fn pack(&self, bytecode: Option<&[&str]>) -> Pack {
        Pack::read(self.bytes(bytecode)).expect("an honest pack")
    }
}

pub(crate) fn options(bytecode: Option<&[&str]>) -> PackOptions {
    PackOptions {
        bytecode: bytecode.map(|patterns| patterns.iter().map(|text| (*text).to_owned()).collect()),
    }
}

pub(crate) fn rules() -> Rules {
    let kinds = perilune_files::KINDS.iter().fold(Kinds::standard(), |kinds, kind| kinds.with(kind.spec));
    Rules::new(kinds).with_modules(["json"])
}

/// A compiler whose bytecode is a number for the source.
pub(crate) fn compiler() -> Compiler<'static> {
    fn compile(id: &str, source: &str) -> Result<Vec<u8>, Failure> {
        match source.contains("no lua") {
            true => Err(Failure::invalid(format!("{id}:1: no lua"))),
            false => Ok(source
                .bytes()
                .fold(7_u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte))
                .to_le_bytes()
                .to_vec()),
        }
    }
    Compiler { version: "test 1", compile: &compile }
}

/// The application that is in a pack.
pub(crate) fn unpacked(pack: &Pack) -> Registry {
    let files = files(pack).expect("an honest pack");
    Registry::new(Baseline::read_files(files, &rules()), rules()).unwrap_or_else(|report| panic!("{report}"))
}

/// All entries of two applications are the same.
#[track_caller]
pub(crate) fn assert_same(a: &Registry, b: &Registry) {
    let (a, b) = (a.snapshot(), b.snapshot());
    let ids = |snapshot: &perilune_registry::Snapshot| -> Vec<String> {
        snapshot.entries().map(|entry| entry.id().to_string()).collect()
    };
    assert_eq!(ids(&a), ids(&b));
    for (a, b) in a.entries().zip(b.entries()) {
        assert_eq!(a, b);
        assert_eq!(a.file(), b.file(), "the file of {}", a.id());
        assert_eq!(a.line(), b.line(), "the line of {}", a.id());
    }
}

/// The files of a pack: kinds and paths.
pub(crate) fn listed(pack: &Pack) -> Vec<String> {
    pack.all().map(|file| format!("{} {}", file.content().name(), file.path())).collect()
}

/// A file of a pack as text.
pub(crate) fn text(pack: &Pack, content: Content, path: &str) -> String {
    let file = pack.get(content, path).unwrap_or_else(|| panic!("{path} is there"));
    String::from_utf8(file.read().expect("it is read")).expect("text")
}
