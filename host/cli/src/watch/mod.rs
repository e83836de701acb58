//! `perilune run --watch`: an edited file is live as soon as it is saved.
//!
//! | file | holds |
//! |---|---|
//! | `changes.rs` | from the system's events to moments at which it is worth looking |
//! | `interest.rs` | which files matter |
//! | `status.rs` | what is said |

mod changes;
mod interest;
mod status;

use crate::exit::Exit;
use crate::output;
use crate::signals::Signals;
use changes::{Changes, News};
use perilune::{Places, Reloader, Runtime};
use perilune_settings::FILE as SETTINGS;
use status::Status;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often a folder is looked for that is gone.
const GONE: Duration = Duration::from_millis(200);

/// How often files are looked at where the system does not tell of changes.
const UNTOLD: Duration = Duration::from_secs(1);

/// An application that is kept as its files are, until this is dropped.
pub(crate) struct Following {
    task: JoinHandle<()>,
    applied: watch::Receiver<()>,
}

impl Following {
    /// Waits until a change has been put into effect.
    pub(crate) async fn change(&mut self) {
        if self.applied.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Loads an application from a directory, an absolute path, and follows its files. What is wrong with it is waited for to be mended.
pub(crate) async fn load(
    directory: &Path,
    load: impl Fn() -> Result<Runtime, Exit>,
    signals: &mut Signals,
) -> Result<(Runtime, Following), Exit> {
    let mut watched = Watched::new(directory.to_owned());
    let mut was_wrong = false;
    let runtime = loop {
        // First, so that no change goes unseen between loading and waiting.
        watched.arm(&perilune::places(directory));
        match load() {
            Ok(runtime) => break runtime,
            // A directory that was never there is a slip of the pen.
            Err(exit) if exit.is_usage() && !was_wrong => return Err(exit),
            Err(exit) => exit.say(),
        }
        was_wrong = true;
        output::status("waiting for a change that mends it");
        tokio::select! {
            _ = watched.next() => {}
            () = signals.end() => return Err(Exit::interrupted()),
        }
    };
    let no_directory =
        || Exit::usage(format!("`{}` is no directory, and does not change", directory.display()));
    let reloader = runtime.reloader().ok_or_else(no_directory)?;
    let (told, applied) = watch::channel(());
    let mut follower = Follower { watched, reloader: Some(reloader), status: Status::default(), told };
    follower.look(Instant::now()).await;
    output::status(&format!("watching {}", directory.display()));
    let task = tokio::spawn(follower.follow());
    Ok((runtime, Following { task, applied }))
}

/// The application's files, and what tells of changes to them.
struct Watched {
    root: PathBuf,
    changes: Changes,
    /// Whether the system does not tell of changes.
    is_untold: bool,
    settings: Option<(u64, SystemTime)>,
}

impl Watched {
    fn new(root: PathBuf) -> Self {
        let settings = settings(&root);
        Watched { changes: Changes::of(root.clone()), root, is_untold: false, settings }
    }

    /// Watches these places. True when something may have happened unseen.
    fn arm(&mut self, places: &Places) -> bool {
        match self.changes.arm(places) {
            Ok(is_new) => is_new,
            Err(error) => {
                if !std::mem::replace(&mut self.is_untold, true) {
                    output::status(&format!(
                        "files are looked at every second, as the system does not tell of changes: {error}"
                    ));
                }
                false
            }
        }
    }

    async fn next(&self) -> News {
        let patience = match self.is_untold {
            // Nothing tells that it is back, even if it is by now.
            false if !self.changes.has_root() => Some(GONE),
            true => Some(UNTOLD),
            false => None,
        };
        self.changes.next(patience).await
    }

    /// Says that changed settings take a new start.
    fn mind_settings(&mut self) {
        let settings = settings(&self.root);
        if std::mem::replace(&mut self.settings, settings) != settings {
            output::status(&format!("{SETTINGS} has changed: start again for it to take effect"));
        }
    }
}

/// What tells that the settings have changed.
fn settings(root: &Path) -> Option<(u64, SystemTime)> {
    let metadata = root.join(SETTINGS).metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Puts changes into effect.
struct Follower {
    watched: Watched,
    /// None while it reads.
    reloader: Option<Reloader>,
    status: Status,
    told: watch::Sender<()>,
}

impl Follower {
    async fn follow(mut self) {
        loop {
            let News { since, saved } = self.watched.next().await;
            self.watched.mind_settings();
            if let Some(saved) = saved {
                self.glance(since, saved).await;
            }
            self.look(since).await;
        }
    }

    /// Puts one file into effect that was saved, if that is possible without looking at others. What the system tells may be less than what
    /// has happened: whoever calls this looks at everything afterwards.
    async fn glance(&mut self, began: Instant, saved: PathBuf) {
        let Some(mut reloader) = self.reloader.take() else { return };
        let changed = BTreeSet::from([saved]);
        let glanced =
            tokio::task::spawn_blocking(move || (reloader.reload_changed(&changed), reloader)).await;
        let Ok((outcome, reloader)) = glanced else { return };
        self.reloader = Some(reloader);
        // What is wrong may be half of a change, and is told by the look at everything.
        if let Some(Ok(Some(applied))) = outcome {
            self.status.applied(&applied, began.elapsed());
            self.told.send_replace(());
        }
    }

    /// Looks for changes until nothing can have happened unseen.
    async fn look(&mut self, began: Instant) {
        loop {
            let Some(mut reloader) = self.reloader.take() else { return };
            let reloaded = tokio::task::spawn_blocking(move || (reloader.reload(), reloader)).await;
            // It fails only while the program ends.
            let Ok((outcome, reloader)) = reloaded else { return };
            let places = reloader.places().clone();
            self.reloader = Some(reloader);
            match outcome {
                Ok(Some(applied)) => {
                    self.status.applied(&applied, began.elapsed());
                    self.told.send_replace(());
                }
                Ok(None) => self.status.unchanged(),
                // Whoever saves several files may be in the midst of it.
                Err(_) if self.watched.changes.more().await => {}
                Err(report) => self.status.refused(&report),
            }
            if !self.watched.arm(&places) {
                return;
            }
        }
    }
}
