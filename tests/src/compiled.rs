//! Applications of bytecode.

use perilune::bytecode::{Compiler, checksum};
use perilune::{BuildError, EngineOptions, Runtime, RuntimeBuilder};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A folder with bytecode and the entries that name it, all in namespace `app`.
pub struct Compiled {
    folder: TempDir,
    yaml: String,
}

impl Default for Compiled {
    fn default() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("bytecode")).expect("the folder is made");
        let yaml = "version: '1.0'\nnamespace: app\nentries:\n  - {name: bytecode, kind: fs.directory, directory: bytecode}\n";
        Compiled { folder, yaml: yaml.to_owned() }
    }
}

impl Compiled {
    /// Adds an entry with what its source is compiled to: name, kind without `.lua.bc`, further fields as in `{…}` of YAML.
    #[must_use]
    pub fn entry(self, compiler: &Compiler, name: &str, kind: &str, fields: &str, source: &str) -> Self {
        let file = compiler.compile(&format!("app:{name}"), source).expect("the source is Lua");
        self.file(name, kind, fields, &file, &checksum(&file))
    }

    /// Adds an entry with any bytes for bytecode, and any checksum.
    #[must_use]
    pub fn file(mut self, name: &str, kind: &str, fields: &str, file: &[u8], hash: &str) -> Self {
        fs::write(self.path().join(format!("bytecode/{name}.luac")), file).expect("the bytecode is written");
        let fields = if fields.is_empty() { String::new() } else { format!(", {fields}") };
        self.yaml += &format!(
            "  - {{name: {name}, kind: {kind}.lua.bc, fs: bytecode, path: {name}.luac, hash: '{hash}'{fields}}}\n"
        );
        self
    }

    /// Adds any line of YAML.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.yaml += &format!("  - {line}\n");
        self
    }

    /// The application's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its host.
    ///
    /// # Errors
    ///
    /// Where the application is refused.
    pub fn build(
        &self,
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Result<Runtime, BuildError> {
        fs::write(self.path().join("app.yaml"), &self.yaml).expect("the entries are written");
        let builder = Runtime::builder().directory(self.path());
        settings(builder.engine(EngineOptions { max_cells: 64, ..EngineOptions::default() })).build()
    }
}
