//! Real servers for the tests: databases and a Temporal server that run for as long as the tests do, and a browser.
//!
//! They are found where Debian's packages put them. In CI, as root, missing packages are installed; elsewhere a line says what is
//! skipped. Nothing here makes the tests fail: a test that has no server says so itself.

mod mariadb;
mod packages;
mod postgres;
mod temporal;

use std::env;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::workspace::Workspace;

/// How long a server may take until it accepts connections; on a busy machine they take some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Servers that run, and what tells the tests where they are. Dropping them stops them and removes their data.
#[derive(Debug, Default)]
pub struct Servers {
    running: Vec<Server>,
    /// Variables for the environment of the tests.
    pub variables: Vec<(&'static str, String)>,
}

/// A server with its data.
#[derive(Debug)]
struct Server {
    process: Child,
    folder: PathBuf,
}

impl Servers {
    /// Starts what can be started, and says what cannot.
    #[must_use]
    pub fn start(workspace: &Workspace) -> Self {
        packages::install();
        let mut servers = Servers::default();
        // Somebody may have servers of their own for the tests.
        for (variable, start) in [
            ("PERILUNE_TEST_POSTGRES", postgres::start as fn(&Account) -> anyhow::Result<(Server, String)>),
            ("PERILUNE_TEST_MYSQL", mariadb::start),
        ] {
            if env::var_os(variable).is_some() {
                continue;
            }
            let account = if variable.ends_with("POSTGRES") { "postgres" } else { "mysql" };
            match Account::find(account).and_then(|account| start(&account)) {
                Ok((server, url)) => {
                    println!("{variable}={url}");
                    servers.running.push(server);
                    servers.variables.push((variable, url));
                }
                Err(error) => println!("SKIPPED: tests that need {variable}: {error:#}"),
            }
        }
        servers.add_temporal(workspace);
        servers
    }

    /// A Temporal server alone.
    #[must_use]
    pub fn temporal(workspace: &Workspace) -> Self {
        let mut servers = Servers::default();
        servers.add_temporal(workspace);
        servers
    }

    fn add_temporal(&mut self, workspace: &Workspace) {
        if env::var_os(temporal::ADDRESS).is_some() {
            return;
        }
        match temporal::start(workspace) {
            Ok((server, variables)) => {
                for (name, value) in &variables {
                    println!("{name}={value}");
                }
                self.running.push(server);
                self.variables.extend(variables);
            }
            Err(error) => println!("SKIPPED: what needs {}: {error:#}", temporal::ADDRESS),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The data is thrown away, so nothing has to be saved.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// As whom a server runs: database servers refuse to be root.
#[derive(Debug, Clone)]
struct Account {
    /// User and group, when the tests run as root.
    ids: Option<(u32, u32)>,
}

impl Account {
    fn find(name: &str) -> anyhow::Result<Self> {
        if !is_root() {
            return Ok(Account { ids: None });
        }
        let accounts =
            fs::read_to_string("/etc/passwd").context("cannot read the accounts of this machine")?;
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name));
        let line = line.with_context(|| format!("root cannot run it, and there is no account `{name}`"))?;
        let fields: Vec<&str> = line.split(':').collect();
        let number = |at: usize| -> anyhow::Result<u32> {
            fields
                .get(at)
                .context("an account without a number")?
                .parse()
                .context("an account without a number")
        };
        Ok(Account { ids: Some((number(2)?, number(3)?)) })
    }

    /// A command that runs as this account, silently.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        command
    }

    /// An empty folder that belongs to this account and that nobody else can read.
    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = env::temp_dir().join(format!("perilune-{name}-{}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        if let Some((user, group)) = self.ids {
            chown(&folder, Some(user), Some(group))?;
        }
        Ok(folder)
    }
}

/// Runs a preparing command to its end.
fn prepare(mut command: Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot start `{program}`"))?;
    ensure!(status.success(), "`{program}` ended with {status}");
    Ok(())
}

/// Starts a server and waits until it accepts connections.
fn run(mut command: Command, folder: PathBuf, address: SocketAddr) -> anyhow::Result<Server> {
    let program = command.get_program().to_string_lossy().into_owned();
    let process = command.spawn().with_context(|| format!("cannot start `{program}`"))?;
    let mut server = Server { process, folder };
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        if let Some(status) = server.process.try_wait()? {
            bail!("`{program}` ended with {status}");
        }
        ensure!(began.elapsed() < PATIENCE, "`{program}` accepts no connections");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}

/// A port of this machine that nobody listens at.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Whether these commands may do anything.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// A program in one of these folders.
fn find(program: &str, folders: &[PathBuf]) -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join(program));
    let there = folders.iter().map(|folder| folder.join(program));
    there.chain(on_path).find(|file| file.is_file()).with_context(|| format!("`{program}` is not installed"))
}
