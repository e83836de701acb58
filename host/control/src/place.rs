//! Where the socket lies.
//!
//! Its folder is `perilune` in `XDG_RUNTIME_DIR`, or else `perilune-UID` in the directory for temporary files. Its name is the hash
//! of the application's directory, so that it fits into an address however long that is. Whoever asks looks into all folders: the
//! two sides may have been started with different environments. A folder that the program was told to use is the only one.

use crate::ControlError;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder that the program was told to use.
static CHOSEN: OnceLock<PathBuf> = OnceLock::new();

/// Bytes of a socket's path, everywhere: `sun_path` has 104 on macOS, one of which ends it.
const LONGEST: usize = 103;

/// A place for a socket.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) socket: PathBuf,
}

/// All places for the socket of a directory that is written without links, the best first. There is at least one.
pub(crate) fn places(directory: &Path) -> Vec<Place> {
    let hash = Sha256::digest(directory.as_os_str().as_bytes());
    let name: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let places =
        folders().into_iter().map(|folder| Place { socket: folder.join(format!("{name}.sock")), folder });
    places.collect()
}

/// Makes the whole program use this folder and no other. The first call counts.
///
/// # Errors
///
/// [`ControlError::Unsafe`] where the path is too long for the address of a socket.
pub fn use_folder(folder: &Path) -> Result<(), ControlError> {
    let folder = std::path::absolute(folder).map_err(ControlError::io(folder))?;
    if !is_short(&folder) {
        return Err(ControlError::Unsafe {
            folder,
            reason: "its path is too long for the address of a socket",
        });
    }
    let _ = CHOSEN.set(folder);
    Ok(())
}

/// The folders in which sockets are looked for, the best first. There is at least one.
pub fn folders() -> Vec<PathBuf> {
    if let Some(folder) = CHOSEN.get() {
        return vec![folder.clone()];
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime = runtime.filter(|base| base.is_absolute() && is_own(base));
    let temporary = format!("perilune-{}", user());
    let folders = runtime.map(|base| base.join("perilune")).into_iter();
    let folders = folders.chain([std::env::temp_dir().join(&temporary), Path::new("/tmp").join(temporary)]);
    folders.filter(|folder| is_short(folder)).collect()
}

/// Whether the path of a socket in it fits into an address: a slash, 32 digits and `.sock` follow.
fn is_short(folder: &Path) -> bool {
    folder.as_os_str().len() + 38 <= LONGEST
}

/// Whether a folder is fit for sockets: made if it is not there, and the user's alone.
///
/// # Errors
///
/// [`ControlError`]: why it is not.
pub fn check_folder(folder: &Path) -> Result<(), ControlError> {
    Place { folder: folder.to_owned(), socket: PathBuf::new() }.prepare().map(drop)
}

/// Whether a folder is the user's. Who becomes somebody else may keep the variables of who he was.
fn is_own(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == user())
}

/// The user whose rights this program has.
fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

impl Place {
    /// Makes the folder, unless it is there. Its lock keeps others from taking the place at the same time.
    pub(crate) fn prepare(&self) -> Result<File, ControlError> {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(ControlError::io(&self.folder)(error));
            }
            _ => self.check()?,
        }
        let folder = File::open(&self.folder).map_err(ControlError::io(&self.folder))?;
        folder.lock().map_err(ControlError::io(&self.folder))?;
        Ok(folder)
    }

    /// Whether the folder is the user's alone. In a directory for temporary files, anybody may have made it.
    fn check(&self) -> Result<(), ControlError> {
        let found = fs::symlink_metadata(&self.folder).map_err(ControlError::io(&self.folder))?;
        let reason = if found.is_symlink() {
            "it is a link; remove it"
        } else if !found.is_dir() {
            "it is no folder; remove it"
        } else if found.uid() != user() {
            "it belongs to another user"
        } else if found.mode() & 0o077 != 0 {
            "others may enter it; `chmod 700` it"
        } else {
            return Ok(());
        };
        Err(ControlError::Unsafe { folder: self.folder.clone(), reason })
    }

    /// Connects to whoever listens here, if anybody does.
    pub(crate) fn connect(&self) -> Result<Option<UnixStream>, ControlError> {
        if fs::symlink_metadata(&self.folder).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(None);
        }
        self.check()?;
        match UnixStream::connect(&self.socket) {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(error) => Err(ControlError::io(&self.socket)(error)),
        }
    }
}
