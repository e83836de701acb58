//! What the end-to-end tests share: an application made of a few lines, and what it printed.

pub mod compiled;
pub mod components;
pub mod counter;
pub mod gate;
pub mod hostile;
pub mod sleeper;
pub mod web;

use perilune::{
    BuildError, EngineOptions, Failure, Identity, Limits, PoolStats, Runtime, RuntimeBuilder, Stats, Value,
};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// Long enough for any machine: whoever waits longer waits for something that does not happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// An entry for [`App::entries`].
pub type Definition<'a> = (&'a str, &'a str, &'a str, &'a str);

/// An application in a temporary folder, or made of one function.
pub struct App {
    /// Its host.
    pub runtime: Runtime,
    printed: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

impl App {
    /// An application of these files: paths relative to its root, and their contents.
    pub fn new(files: &[(&str, &str)]) -> App {
        Self::try_new(files).unwrap_or_else(|error| panic!("the application loads: {}", render(&error)))
    }

    /// [`App::new`] with settings of the host.
    pub fn with(files: &[(&str, &str)], settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> App {
        Self::build(files, settings)
            .unwrap_or_else(|error| panic!("the application loads: {}", render(&error)))
    }

    /// [`App::new`], for applications that are refused.
    pub fn try_new(files: &[(&str, &str)]) -> Result<App, BuildError> {
        Self::build(files, |builder| builder)
    }

    /// One function, `app:main`, whose source is `function_body` inside `return function(...) … end`, with these modules.
    pub fn lua(modules: &str, function_body: &str) -> App {
        Self::new(&[
            ("app.yaml", &single(modules)),
            ("main.lua", &format!("return function(...)\n{function_body}\nend\n")),
        ])
    }

    /// An application of entries in namespace `app`: name, kind without `.lua`, further fields as in `{…}` of YAML, source.
    /// Functions and processes run their method `main`.
    pub fn entries(entries: &[Definition<'_>]) -> App {
        Self::try_entries(entries).unwrap_or_else(|error| panic!("the application loads: {}", render(&error)))
    }

    /// [`App::entries`], for applications that are refused.
    pub fn try_entries(entries: &[Definition<'_>]) -> Result<App, BuildError> {
        Self::build_entries(entries, |builder| builder)
    }

    /// [`App::entries`] with settings of the host.
    pub fn entries_with(
        entries: &[Definition<'_>],
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> App {
        Self::build_entries(entries, settings)
            .unwrap_or_else(|error| panic!("the application loads: {}", render(&error)))
    }

    fn build_entries(
        entries: &[Definition<'_>],
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Result<App, BuildError> {
        let mut yaml = "version: '1.0'\nnamespace: app\nentries:\n".to_owned();
        let mut files = Vec::new();
        for (name, kind, fields, source) in entries {
            let method = if matches!(*kind, "function" | "process") { ", method: main" } else { "" };
            let fields = if fields.is_empty() { String::new() } else { format!(", {fields}") };
            yaml += &format!(
                "  - {{name: {name}, kind: {kind}.lua, source: 'file://{name}.lua'{method}{fields}}}\n"
            );
            files.push((format!("{name}.lua"), *source));
        }
        let mut all = vec![("app.yaml", yaml.as_str())];
        all.extend(files.iter().map(|(path, source)| (path.as_str(), *source)));
        Self::build(&all, settings)
    }

    fn build(
        files: &[(&str, &str)],
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Result<App, BuildError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), files);
        Self::build_in(folder, settings)
    }

    /// An application whose files lie in a folder already.
    pub fn build_in(
        folder: TempDir,
        settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Result<App, BuildError> {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let sink = printed.clone();
        let output = move |_: &Identity, line: &[u8], _: &str| {
            sink.lock()
                .expect("no test panics while printing")
                .push(String::from_utf8_lossy(line).into_owned());
        };
        let builder = Runtime::builder()
            .directory(folder.path())
            .engine(EngineOptions { max_cells: 64, ..EngineOptions::default() })
            .output(output);
        Ok(App { runtime: settings(builder).build()?, printed, folder })
    }

    /// Calls an entry.
    pub async fn call(&self, target: &str, args: &[Value]) -> Result<Value, Failure> {
        self.runtime.call(target, args.iter().cloned()).await
    }

    /// Calls `app:main` without arguments; it must succeed.
    pub async fn main(&self) -> Value {
        match self.call("app:main", &[]).await {
            Ok(value) => value,
            Err(failure) => panic!("app:main succeeds: {failure:#?}"),
        }
    }

    /// Calls `app:main` without arguments; it must fail.
    pub async fn main_fails(&self) -> Failure {
        match self.call("app:main", &[]).await {
            Ok(value) => panic!("app:main fails, but returned {value:?}"),
            Err(failure) => failure,
        }
    }

    /// Begins a call on a task of its own.
    pub fn spawn(&self, target: &str, args: &[Value]) -> JoinHandle<Result<Value, Failure>> {
        let (runtime, target, args) = (self.runtime.clone(), target.to_owned(), args.to_vec());
        tokio::spawn(async move { runtime.call(&target, args).await })
    }

    /// What the pool of an entry has seen; it must have been called.
    pub fn pool(&self, entry: &str) -> Stats {
        self.pools()
            .into_iter()
            .find(|pool| pool.entry == entry)
            .unwrap_or_else(|| panic!("{entry} has a pool"))
            .stats
    }

    /// What all pools have seen.
    pub fn pools(&self) -> Vec<PoolStats> {
        self.runtime.pools()
    }

    /// Lets other tasks run until a pool is as it should be.
    pub async fn until(&self, entry: &str, is_so: impl Fn(&Stats) -> bool) -> Stats {
        let settled = async {
            loop {
                let stats = self.pool(entry);
                if is_so(&stats) {
                    return stats;
                }
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(PATIENCE, settled).await {
            Ok(stats) => stats,
            Err(_) => panic!("the pool of {entry} gets there: {:#?}", self.pool(entry)),
        }
    }

    /// The lines printed so far.
    pub fn printed(&self) -> Vec<String> {
        self.printed.lock().expect("no test panics while printing").clone()
    }

    /// The application's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Writes files below a folder.
pub fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, contents) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder is made");
        fs::write(path, contents).expect("the file is written");
    }
}

/// Everything an application was refused for.
pub fn render(error: &BuildError) -> String {
    match error {
        BuildError::Entries(report) => report.render(false),
        other => other.to_string(),
    }
}

/// The YAML of an application with one function, `app:main`.
fn single(modules: &str) -> String {
    format!(
        "version: '1.0'\nnamespace: app\nentries:\n  - name: main\n    kind: function.lua\n    source: file://main.lua\n    \
         method: main\n    modules: [{modules}]\n"
    )
}

/// Runs Lua that checks itself with `assert`; the body is that of a function with these modules.
pub async fn check(modules: &str, function_body: &str) {
    App::lua(modules, function_body).main().await;
}

/// Runs Lua that must fail, and gives the failure.
pub async fn failure(modules: &str, function_body: &str) -> Failure {
    App::lua(modules, function_body).main_fails().await
}

/// The limit that a failure names in its details.
pub fn limit(failure: &Failure) -> Option<&str> {
    failure.details.as_ref()?.get("limit")?.as_str()
}

/// Limits small enough that tests of them are quick.
pub const TIGHT: Limits =
    Limits { memory: 16 << 20, cpu: Duration::from_millis(100), timeout: Some(Duration::from_secs(5)) };

/// Declares tests that run Lua checking itself: name, modules, body.
#[macro_export]
macro_rules! lua_tests {
    ($($(#[$attribute:meta])* $name:ident ($modules:literal) $body:literal)*) => {
        $($(#[$attribute])* #[tokio::test]
        async fn $name() {
            $crate::check($modules, $body).await;
        })*
    };
}

/// Lets other tasks run until something is so; whoever waits longer waits for something that does not happen.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let settled = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.unwrap_or_else(|_| panic!("waited for: {what}"));
}
