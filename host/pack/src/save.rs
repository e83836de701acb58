//! Putting a pack, or a key, on the disk: whole or not at all.

use crate::error::{PackError, quote};
use crate::reader::Pack;
use crate::signature::SigningKey;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Writes a pack. Readers see what was there before or all of this, and so does the disk after a power failure.
///
/// # Errors
///
/// [`PackError::Occupied`] when something else than a pack has this name, which stays; [`PackError::Unwritten`] with what the system
/// says, and then nothing is left behind.
pub fn save(path: &Path, pack: &[u8]) -> Result<(), PackError> {
    if path.symlink_metadata().is_ok() && !(path.is_file() && (Pack::is_pack(path) || is_empty(path))) {
        return Err(PackError::Occupied(path.to_owned()));
    }
    let beside = beside(path);
    let written = write(&beside, pack).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // The first error is the one that counts.
        let _ = fs::remove_file(&beside);
        PackError::Unwritten(error)
    })
}

/// Writes a new key into a file that only its owner can read.
///
/// # Errors
///
/// [`PackError::Occupied`] when there is something of this name: a key is never replaced. [`PackError::Unwritten`] with what the system
/// says.
pub fn save_key(path: &Path, key: &SigningKey) -> Result<(), PackError> {
    let text = key.to_pem();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => PackError::Occupied(path.to_owned()),
        _ => PackError::Unwritten(error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(PackError::Unwritten)
}

/// A key is 119 or 64 bytes and its frame; what is longer is none.
const MOST_KEY_BYTES: u64 = 16 * 1024;

/// Reads a key that [`save_key`] or `openssl` wrote.
///
/// # Errors
///
/// [`PackError::Key`] for what is none, and for what cannot be read.
pub fn read_key(path: &Path) -> Result<SigningKey, PackError> {
    let what = quote(&path.display().to_string());
    let wrong = |reason: String| PackError::Key { what: what.clone(), reason };
    let metadata = fs::metadata(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    if !metadata.is_file() || metadata.len() > MOST_KEY_BYTES {
        return Err(wrong("name the file that `perilune keygen FILE` made".to_owned()));
    }
    let text = fs::read(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    SigningKey::from_pem(&String::from_utf8_lossy(&text), &what)
}

fn is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() == 0)
}

/// A name in the same folder, so that it can become the other.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Left behind by a program of the same number that was ended in the middle.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
