//! Open files.

use crate::body::{Body, Packed};
use crate::gate::Gate;
use crate::metadata::Metadata;
use crate::quota::Share;
use crate::{Access, Reason};
use cap_std::fs::Dir;
use futures_util::future::BoxFuture;
use perilune_resource::Stream;
use perilune_resource::stream::{Stat, Whence};
use perilune_value::Failure;
use std::any::Any;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::{Mutex, OwnedSemaphorePermit};

/// A regular file that is open for reading or for writing. Closed when the last clone and the last operation under way are gone.
///
/// As a [`Stream`] it has a position, and its operations take their turn.
#[derive(Clone)]
pub struct File {
    open: Arc<Open>,
}

struct Open {
    file: Body,
    name: String,
    /// What failures name it by.
    label: String,
    access: Access,
    /// Held by the operation that moves the position.
    turn: Arc<Mutex<()>>,
    position: AtomicU64,
    size: AtomicU64,
    gate: Gate,
    /// What it takes of a directory with limits, and how that is found.
    share: Option<(Share, Find)>,
    /// Dropped with it.
    held: OnceLock<Box<dyn Any + Send + Sync>>,
    _slot: OwnedSemaphorePermit,
}

/// Finds the directory of a file again.
pub(crate) type Find = Box<dyn Fn() -> Option<Dir> + Send + Sync>;

impl File {
    pub(crate) fn new(
        file: fs::File,
        name: String,
        label: String,
        access: Access,
        gate: Gate,
        slot: OwnedSemaphorePermit,
        share: Option<(Share, Find)>,
    ) -> Self {
        Self::of(Body::Disk(file), name, label, access, gate, slot, share)
    }

    /// A file of a pack, to be read.
    pub(crate) fn packed(
        file: perilune_pack::File,
        name: String,
        label: String,
        gate: Gate,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self::of(Body::Packed(Packed::new(file)), name, label, Access::Read, gate, slot, None)
    }

    fn of(
        file: Body,
        name: String,
        label: String,
        access: Access,
        gate: Gate,
        slot: OwnedSemaphorePermit,
        share: Option<(Share, Find)>,
    ) -> Self {
        let size = file.len().unwrap_or_default();
        let position = if access == Access::Append { size } else { 0 };
        let open = Open {
            file,
            name,
            label,
            access,
            turn: Arc::default(),
            position: position.into(),
            size: size.into(),
            gate,
            share,
            held: OnceLock::new(),
            _slot: slot,
        };
        File { open: Arc::new(open) }
    }

    /// Keeps something until the file is closed, such as a right to have it open. Only the first such thing is kept.
    #[must_use]
    pub fn holding(self, what: impl Any + Send + Sync) -> Self {
        // A second one is handed back, and dropped here.
        let _ = self.open.held.set(Box::new(what));
        self
    }

    /// What is known of it now.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub async fn metadata(&self) -> Result<Metadata, Failure> {
        let open = self.open.clone();
        let read = move || open.file.metadata(&open.name).map_err(|error| open.failure(error));
        self.open.gate.run(read).await
    }

    /// Bytes from an offset on, as many as there are and at most `most`; the position stays. Reads at once do not wait for each
    /// other.
    ///
    /// # Errors
    ///
    /// `Invalid` when the file was opened for writing; what else the system says.
    pub async fn read_at(&self, offset: u64, most: usize) -> Result<Vec<u8>, Failure> {
        let open = self.open.clone();
        let read = move || {
            open.must(Access::reads, "reading")?;
            let mut bytes = vec![0; most];
            let mut filled = 0;
            while filled < most {
                match open.file.read_at(&mut bytes[filled..], offset.saturating_add(filled as u64)) {
                    Ok(0) => break,
                    Ok(more) => filled += more,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(open.failure(error)),
                }
            }
            bytes.truncate(filled);
            Ok(bytes)
        };
        self.open.gate.run(read).await
    }

    /// Writes what the system still holds back to the disk.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub async fn sync(&self) -> Result<(), Failure> {
        let open = self.open.clone();
        self.open.gate.run(move || open.file.sync().map_err(|error| open.failure(error))).await
    }

    /// Runs an operation that moves the position, after those that began before it.
    fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Open) -> Result<T, Failure> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Failure>> {
        let open = self.open.clone();
        Box::pin(async move {
            let turn = open.turn.clone().lock_owned().await;
            let gate = open.gate.clone();
            gate.run(move || {
                // Held until the work has ended, also when nobody waits for it any more.
                let _turn = turn;
                let done = work(&open);
                if let Ok(position) = (&open.file).stream_position() {
                    open.position.store(position, Ordering::Relaxed);
                }
                done
            })
            .await
        })
    }
}

impl Open {
    fn failure(&self, error: io::Error) -> Failure {
        Reason::from(error).of(&self.label)
    }

    fn write(&self, data: &[u8]) -> Result<(), Reason> {
        let write = || (&self.file).write_all(data);
        let (Some((share, find)), Body::Disk(file)) = (&self.share, &self.file) else { return Ok(write()?) };
        let position = match self.access {
            Access::Append => self.file.len()?,
            _ => (&self.file).stream_position()?,
        };
        share.write(file, position, data.len(), find, write)
    }

    fn must(&self, may: fn(Access) -> bool, what: &str) -> Result<(), Failure> {
        match may(self.access) {
            true => Ok(()),
            false => Err(Failure::invalid(format!("{}: it was not opened for {what}", self.label))),
        }
    }
}

impl Stream for File {
    fn read(&self, most: usize) -> BoxFuture<'static, Result<Option<Vec<u8>>, Failure>> {
        self.in_turn(move |open| {
            open.must(Access::reads, "reading")?;
            let rest =
                open.size.load(Ordering::Relaxed).saturating_sub(open.position.load(Ordering::Relaxed));
            let mut bytes = Vec::with_capacity(most.min(usize::try_from(rest).unwrap_or(most)));
            (&open.file).take(most as u64).read_to_end(&mut bytes).map_err(|error| open.failure(error))?;
            Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
        })
    }

    fn write(&self, data: Vec<u8>) -> BoxFuture<'static, Result<(), Failure>> {
        self.in_turn(move |open| {
            open.must(|access| !access.reads(), "writing")?;
            let written = open.write(&data);
            // Also after a failure, which may come half way.
            if let Ok(end) = (&open.file).stream_position() {
                open.size.fetch_max(end, Ordering::Relaxed);
            }
            written.map_err(|reason| reason.of(&open.label))
        })
    }

    fn seek(&self, whence: Whence, offset: i64) -> BoxFuture<'static, Result<u64, Failure>> {
        self.in_turn(move |open| {
            let to = match (whence, u64::try_from(offset)) {
                (Whence::Set, Ok(offset)) => SeekFrom::Start(offset),
                (Whence::Set, Err(_)) => {
                    return Err(Failure::invalid(format!(
                        "{}: {offset} is before its beginning",
                        open.label
                    )));
                }
                (Whence::Current, _) => SeekFrom::Current(offset),
                (Whence::End, _) => SeekFrom::End(offset),
            };
            (&open.file).seek(to).map_err(|error| open.failure(error))
        })
    }

    fn stat(&self) -> Stat {
        Stat {
            size: Some(self.open.size.load(Ordering::Relaxed)),
            position: self.open.position.load(Ordering::Relaxed),
            readable: self.open.access.reads(),
            writable: !self.open.access.reads(),
            seekable: true,
        }
    }
}
