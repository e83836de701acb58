//! Which files of a folder an `fs.embed` shows.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// The only folder with a dot in front that is meant to be seen.
const WELL_KNOWN: &str = ".well-known";

/// Patterns of paths; names that begin with a dot are left out whatever the patterns say.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// `None` for all files.
    patterns: Option<GlobSet>,
}

impl Choice {
    /// The files whose path from the folder on one of these patterns matches: `*` and `?` stay in one part of a path, `**` stands for any
    /// number of parts. None for all files.
    pub(crate) fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        let mut none = true;
        for pattern in patterns {
            none = false;
            set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
        }
        Ok(Choice { patterns: if none { None } else { Some(set.build()?) } })
    }

    /// Whether it shows a file. Paths have no `/` in front.
    pub(crate) fn shows(&self, path: &str) -> bool {
        !is_hidden(path) && self.patterns.as_ref().is_none_or(|patterns| patterns.is_match(path))
    }
}

/// Whether a part of a path begins with a dot.
pub(crate) fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') && part != WELL_KNOWN)
}
