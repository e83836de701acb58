//! Which folders of the machine an entry may name: the application's, those that the host allows, and what lies below them.

use crate::{Mode, Reason, tree};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use perilune_pack::Pack;
use perilune_registry::{EntryId, quote};
use perilune_resource::Opening;
use perilune_value::{Failure, Kind};
use std::io;
use std::path::{Component, Path, PathBuf, absolute};

/// A folder of the machine that an entry names, and the folders below which it may lie.
#[derive(Clone, Debug)]
pub struct Root {
    /// The entry and the field that name it, for messages.
    owner: String,
    target: PathBuf,
    anchors: Vec<PathBuf>,
    /// Makes it, where it is missing.
    create: Option<Mode>,
}

/// The folders that entries may name.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The application's.
    pub folder: Option<&'a Path>,
    /// Those that the host allows besides.
    pub directories: &'a [PathBuf],
    /// The pack that the application is read from, where its embedded files are.
    pub pack: Option<&'a Pack>,
}

impl Root {
    /// A folder that the host chose itself.
    pub fn trusted(path: impl Into<PathBuf>) -> Self {
        let target = path.into();
        Root { owner: target.display().to_string(), anchors: vec![target.clone()], target, create: None }
    }

    /// The folder that a field of an entry names, from `base` on where it is relative: the application's folder, or one in it.
    ///
    /// # Errors
    ///
    /// `Invalid` for a path with a NUL byte, and for a relative path where there is no folder.
    pub fn of(opening: &Opening<'_>, field: &str, path: &str, base: Option<&Path>) -> Result<Self, Failure> {
        let ground =
            Ground { folder: opening.folder(), directories: &opening.allowed().directories, pack: None };
        Self::on(ground, opening.id(), field, path, base)
    }

    /// As [`Root::of`], of an entry that nobody opens.
    pub(crate) fn on(
        ground: Ground<'_>,
        entry: &EntryId,
        field: &str,
        path: &str,
        base: Option<&Path>,
    ) -> Result<Self, Failure> {
        let owner = format!("{entry}: field `{field}`: {}", quote(path));
        if path.contains('\0') {
            return Err(Failure::invalid(format!("{owner} has a NUL byte")));
        }
        let base = match base {
            Some(base) => base,
            None if Path::new(path).is_absolute() => Path::new("/"),
            None => {
                let message = format!(
                    "{owner} is relative, but the application has no folder: write an absolute path, or, where it is a pack, say where \
                         paths begin with `--data DIR`"
                );
                return Err(Failure::invalid(message));
            }
        };
        let anchors = ground.folder.into_iter().map(Path::to_owned);
        let anchors = anchors.chain(ground.directories.iter().cloned()).collect();
        Ok(Root { owner, target: base.join(path), anchors, create: None })
    }

    /// Makes the folder when it is missing, and those above it.
    #[must_use]
    pub fn created(mut self, with: Mode) -> Self {
        self.create = Some(with);
        self
    }

    /// Where it lies, as far as names tell.
    pub(crate) fn place(&self) -> Option<PathBuf> {
        absolute(&self.target).ok().map(|target| lexical(&target))
    }

    /// The folder above, and the last name of the path.
    pub fn split(&self) -> Option<(Root, String)> {
        let target = lexical(&self.target);
        let name = target.file_name()?.to_str()?.to_owned();
        // Of a file in the working directory the folder above is the empty path, which the system takes for nothing.
        let above = target.parent()?;
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        Some((Root { target: above.to_owned(), ..self.clone() }, name))
    }

    /// A capability for the folder. Blocks.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when it lies outside of what the host allows, `NotFound` when it does not exist, `Invalid` when it is
    /// no folder, and what else the system says.
    pub fn open(&self) -> Result<Dir, Failure> {
        let read = |error: io::Error| Reason::from(error).of(&self.owner);
        let target = lexical(&absolute(&self.target).map_err(read)?);
        let mut anchors = Vec::new();
        for anchor in &self.anchors {
            anchors.push(lexical(&absolute(anchor).map_err(read)?));
        }
        let mut found = self.below(&target, &anchors);
        if found.is_none() {
            // A link may lead from one allowed folder to another, and an allowed folder may be a link itself.
            let real = |path: &PathBuf| path.canonicalize().ok();
            let target = real(&target).unwrap_or(target);
            anchors.extend(self.anchors.iter().filter_map(real));
            found = self.below(&target, &anchors);
        }
        match found {
            Some(opened) => opened.map_err(|reason| reason.of(&self.owner)),
            None => Err(self.denied()),
        }
    }

    /// The folder, as seen from the first of the anchors that it does not lead out of.
    fn below(&self, target: &Path, anchors: &[PathBuf]) -> Option<Result<Dir, Reason>> {
        anchors.iter().find_map(|anchor| {
            let rest = target.strip_prefix(anchor).ok()?;
            Some(self.descend(anchor, rest))
                .filter(|opened| !matches!(opened, Err(reason) if reason.is_escape()))
        })
    }

    fn descend(&self, anchor: &Path, rest: &Path) -> Result<Dir, Reason> {
        let above = Dir::open_ambient_dir(anchor, ambient_authority())?;
        if rest.as_os_str().is_empty() {
            return Ok(above);
        }
        match (above.open_dir(rest).map_err(Reason::from), self.create) {
            (Err(reason), Some(mode)) if reason.is_missing() => {
                above.create_dir_with(rest, tree::builder(mode).recursive(true))?;
                Ok(above.open_dir(rest)?)
            }
            (opened, _) => opened,
        }
    }

    fn denied(&self) -> Failure {
        let target = lexical(&self.target);
        let message = format!(
            "{} lies outside of the application, and the host does not let entries use it: start it with `--allow-dir {}` \
             if it should",
            self.owner,
            target.display(),
        );
        Failure::new(Kind::PermissionDenied, message)
    }
}

/// A path without `.` and `..`.
fn lexical(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            // Above `/` is `/`.
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}
