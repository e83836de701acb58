//! `perilune pack` and `perilune keygen`: an application in one file, and the keys that sign it.

use crate::arguments;
use crate::bar::Bar;
use crate::exit::Exit;
use crate::signals::Signals;
use crate::{application, output};
use bytesize::ByteSize;
use perilune::packs::{
    Pack, PackError, PackOptions, PackingError, Progress, SigningKey, Writer, read_key, save, save_key,
};
use perilune_settings::Settings;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// What takes less needs no bar: it would only flicker.
const LONG: Duration = Duration::from_millis(500);

pub(crate) async fn pack(
    directory: &Path,
    settings: Settings,
    command: arguments::Pack,
    mut signals: Signals,
) -> Exit {
    // Nothing of the application runs, so that nobody need have signed it.
    let settings = Settings { require_signature: Vec::new(), ..settings };
    let directory: PathBuf = directory.to_owned();
    let stopped = Arc::new(AtomicBool::new(false));
    let is_stopped = stopped.clone();
    let mut work = tokio::task::spawn_blocking(move || write(&directory, &settings, &command, &is_stopped));
    let done = tokio::select! {
        done = &mut work => done,
        () = signals.end() => {
            // It ends at its next step, and leaves nothing behind.
            stopped.store(true, Ordering::Relaxed);
            work.await
        }
    };
    match done {
        Ok(Ok(exit)) | Ok(Err(exit)) => exit,
        Err(error) => Exit::failed(format!("packing was broken off: {error}")),
    }
}

fn write(
    directory: &Path,
    settings: &Settings,
    command: &arguments::Pack,
    stopped: &AtomicBool,
) -> Result<Exit, Exit> {
    // What is wrong with the key is told before the work.
    let key =
        command.sign.as_deref().map(read_key).transpose().map_err(|error| Exit::usage(error.to_string()))?;
    let runtime = application::load(directory, settings, None)?;
    let options = PackOptions { bytecode: command.bytecode.clone() };
    let mut bar = Patient::new();
    let packed = runtime.pack(&options, &mut |progress| {
        bar.show(progress);
        !stopped.load(Ordering::Relaxed)
    });
    drop(bar);
    let mut writer = packed.map_err(|error| exit(&error))?;
    let refused = |error: PackError| Exit::failed(format!("{error} [{}]", error.code()));
    if command.images {
        add_images(directory, settings, &mut writer, stopped)?;
    }
    let bytes = writer.finish(key.as_ref()).map_err(refused)?;
    if stopped.load(Ordering::Relaxed) {
        return Err(Exit::interrupted());
    }
    let output = &command.output;
    save(output, &bytes).map_err(|error| {
        let shown = output.display();
        match error {
            PackError::Occupied(_) => Exit::usage(format!("{error} [{}]", error.code())),
            error => Exit::failed(format!("`{shown}`: {error} [{}]", error.code())),
        }
    })?;
    let size = ByteSize(bytes.len() as u64);
    // What was written is read as anybody will read it.
    let pack = Pack::read(bytes).map_err(refused)?;
    output::line(summary(output, &pack, size).as_bytes());
    Ok(Exit::done())
}

/// Images are those of the entries as they will be read from the pack.
fn add_images(
    directory: &Path,
    settings: &Settings,
    writer: &mut Writer,
    stopped: &AtomicBool,
) -> Result<(), Exit> {
    let refused = |error: PackError| Exit::failed(format!("{error} [{}]", error.code()));
    let draft = writer.clone().finish(None).and_then(Pack::read).map_err(refused)?;
    let data = if directory.is_dir() { Some(directory) } else { settings.data.as_deref() };
    let builder = application::builder(settings).pack(draft);
    let builder = match data {
        Some(data) => builder.data(data),
        None => builder,
    };
    let runtime = application::build(builder)?;
    let mut bar = Patient::new();
    let added = Handle::current().block_on(runtime.pack_images(writer, &mut |progress| {
        bar.show(progress);
        !stopped.load(Ordering::Relaxed)
    }));
    drop(bar);
    added.map_err(|error| exit(&error))
}

fn exit(error: &PackingError) -> Exit {
    match error {
        PackingError::Stopped => Exit::interrupted(),
        PackingError::Pattern(message) => Exit::usage(format!("--bytecode: {message}")),
        error => Exit::failed(format!("{error} [{}]", error.code())),
    }
}

/// What was written, on one line.
fn summary(output: &Path, pack: &Pack, size: ByteSize) -> String {
    let hash: String = pack.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let signer = pack.signer().map(|signer| format!(", signed with {signer}")).unwrap_or_default();
    let files = match pack.all().count() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    format!("{}: {files}, {size}, sha256:{hash}{signer}", output.display())
}

/// A bar, once the work takes long.
struct Patient {
    began: Instant,
    bar: Option<Bar>,
}

impl Patient {
    fn new() -> Self {
        Patient { began: Instant::now(), bar: None }
    }

    fn show(&mut self, progress: Progress<'_>) {
        if self.began.elapsed() < LONG {
            return;
        }
        if self.bar.is_none() {
            self.bar = Bar::show(progress.total);
        }
        if let Some(bar) = &self.bar {
            bar.set(progress.done, progress.next);
        }
    }
}

/// Makes a key, or shows the public half of one.
pub(crate) fn keygen(file: &Path, public: bool) -> Exit {
    let made = if public {
        read_key(file)
    } else {
        let key = SigningKey::generate();
        save_key(file, &key).map(|()| key)
    };
    match made {
        Ok(key) => {
            output::line(key.public().to_string().as_bytes());
            Exit::done()
        }
        Err(PackError::Unwritten(error)) => {
            Exit::failed(format!("`{}`: {}", file.display(), PackError::Unwritten(error)))
        }
        Err(error) => Exit::failed(format!("{error} [{}]", error.code())),
    }
}
