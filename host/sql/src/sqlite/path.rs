//! Where a database may lie.

use perilune_value::{Failure, Kind};
use std::path::{Path, PathBuf};

/// Where a database lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In memory, until its entry changes or the host ends.
    Memory,
    /// In a file; the path has no links in it.
    File(PathBuf),
}

/// Finds the place of the field `file`: a relative path begins at the application's folder and stays in it, any other path lies
/// in a directory that the host allows.
pub(crate) fn locate(file: &str, folder: Option<&Path>, allowed: &[PathBuf]) -> Result<Place, Failure> {
    if file == ":memory:" {
        return Ok(Place::Memory);
    }
    let refuse =
        |kind, why: String| Err(Failure::new(kind, format!("file: `{}` {why}", file.escape_debug())));
    if file.contains('\0') {
        return refuse(Kind::Invalid, "holds a NUL byte".to_owned());
    }
    let path = match folder {
        Some(folder) => folder.join(file),
        None if Path::new(file).is_absolute() => PathBuf::from(file),
        None => {
            let why = "is relative, but the application has no folder; write `:memory:` or an absolute path";
            return refuse(Kind::Invalid, why.to_owned());
        }
    };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return refuse(Kind::Invalid, "names no file".to_owned());
    };
    let Ok(directory) = directory.canonicalize() else {
        return refuse(
            Kind::NotFound,
            format!("lies in `{}`, which is no directory; make it first", directory.display()),
        );
    };
    let real = directory.join(name);
    let is_link = real.symlink_metadata().is_ok_and(|found| found.is_symlink());
    let may_lie_in = |root: &Path| root.canonicalize().is_ok_and(|root| directory.starts_with(root));
    if is_link {
        return refuse(Kind::PermissionDenied, "is a link; name the file itself".to_owned());
    }
    if !folder.into_iter().chain(allowed.iter().map(PathBuf::as_path)).any(may_lie_in) {
        let why = format!(
            "lies in `{}`, outside of the application's folder; if that is meant, start the host with `--allow-dir {}`",
            directory.display(),
            directory.display()
        );
        return refuse(Kind::PermissionDenied, why);
    }
    Ok(Place::File(real))
}
