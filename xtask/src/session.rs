//! Runs the steps of a [`Transcript`](crate::transcript::Transcript), as a reader would type them.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::curl;
use crate::transcript::{Outcome, Program, Step};

/// How long a command in the background may take to print what is recorded: longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address that servers of pages listen on.
const WRITTEN: &str = "127.0.0.1:8080";

/// A folder, and what runs in it. What is in the background when it is dropped is ended.
#[derive(Debug)]
pub struct Session {
    program: PathBuf,
    folder: PathBuf,
    /// What stands for [`WRITTEN`], so that several pages can be run at once.
    address: Option<String>,
    background: Vec<Job>,
}

impl Session {
    /// Steps in a folder as it is.
    pub fn new(program: &Path, folder: &Path) -> Self {
        Session {
            program: program.to_owned(),
            folder: folder.to_owned(),
            address: None,
            background: Vec::new(),
        }
    }

    /// Steps in a folder for this session alone, where a free address stands for `127.0.0.1:8080` in files and commands.
    ///
    /// # Errors
    ///
    /// When the system has no free address.
    pub fn in_own_folder(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let address = address.context("no free address")?.to_string();
        Ok(Session { address: Some(address), ..Session::new(program, folder) })
    }

    /// Whether something runs in the background.
    pub fn is_in_background(&self) -> bool {
        !self.background.is_empty()
    }

    /// Writes a file of the page.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(path);
        let failed = || format!("cannot write `{}`", path.display());
        fs::create_dir_all(path.parent().unwrap_or(&self.folder)).with_context(failed)?;
        fs::write(&path, self.real(text)).with_context(failed)
    }

    /// Runs a step without input, colours, or the caller's log settings.
    ///
    /// # Errors
    ///
    /// When the program cannot be run, or the request cannot be sent.
    pub fn run(&mut self, step: &Step) -> anyhow::Result<Outcome> {
        let args: Vec<String> = step.args.iter().map(|arg| self.real(arg)).collect();
        let outcome = match step.program {
            Program::Perilune => self.wait(&args),
            Program::Background => self.start(&args, step),
            Program::Kill => self.end(),
            Program::Curl => curl::run(&args),
        }
        .with_context(|| format!("line {}: `{}`", step.line, step.command))?;
        let lines = outcome.lines.iter().map(|line| self.written(line).trim_end().to_owned());
        Ok(Outcome::new(outcome.status, lines))
    }

    fn wait(&self, args: &[String]) -> anyhow::Result<Outcome> {
        let (mut child, mut reader) = self.spawn(args)?;
        let mut printed = Vec::new();
        reader.read_to_end(&mut printed)?;
        let status = child.wait()?.code().unwrap_or(-1);
        Ok(Outcome::new(status, String::from_utf8_lossy(&printed).lines().map(str::to_owned)))
    }

    /// Lets a command run on as soon as it has printed what is recorded.
    fn start(&mut self, args: &[String], step: &Step) -> anyhow::Result<Outcome> {
        if step.expected.lines.is_empty() {
            bail!("what runs in the background is followed by what it prints once it is ready");
        }
        let (child, reader) = self.spawn(args)?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(reader).split(b'\n').map_while(Result::ok);
            // Nobody listens any more once the session is over; the pipe is emptied all the same.
            lines.for_each(|line| drop(sender.send(String::from_utf8_lossy(&line).into_owned())));
        });
        let mut job = Job { child, lines };
        let until = Instant::now() + PATIENCE;
        let mut printed = Vec::new();
        loop {
            let outcome =
                Outcome::new(0, printed.iter().map(|line: &String| self.written(line).trim_end().to_owned()));
            if step.matches(&outcome) {
                self.background.push(job);
                return Ok(outcome);
            }
            match job.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => printed.push(line),
                Err(RecvTimeoutError::Timeout) => return Ok(Outcome::new(0, printed)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Outcome::new(job.child.wait()?.code().unwrap_or(-1), printed));
                }
            }
        }
    }

    /// Asks the last command in the background to end: its exit code, and what it printed since the last look.
    fn end(&mut self) -> anyhow::Result<Outcome> {
        let Some(mut job) = self.background.pop() else { bail!("nothing runs in the background") };
        let asked =
            Command::new("sh").args(["-c", "kill -TERM \"$0\"", &job.child.id().to_string()]).status()?;
        if !asked.success() {
            bail!("it cannot be asked to end");
        }
        let status = job.child.wait()?.code().unwrap_or(-1);
        Ok(Outcome::new(status, job.lines.iter()))
    }

    /// The program, and one pipe for both of its outputs, so that their lines keep their order.
    fn spawn(&self, args: &[String]) -> anyhow::Result<(Child, io::PipeReader)> {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        command.env("NO_COLOR", "1").env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn().with_context(|| format!("cannot run `{}`", self.program.display()))?;
        // The command holds the pipe's writing end, without whose end reading does not end.
        drop(command);
        Ok((child, reader))
    }

    fn real(&self, text: &str) -> String {
        self.address.as_ref().map_or_else(|| text.to_owned(), |address| text.replace(WRITTEN, address))
    }

    fn written(&self, text: &str) -> String {
        self.address.as_ref().map_or_else(|| text.to_owned(), |address| text.replace(address, WRITTEN))
    }
}

/// A command in the background.
#[derive(Debug)]
struct Job {
    child: Child,
    /// What it prints.
    lines: Receiver<String>,
}

impl Drop for Job {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
