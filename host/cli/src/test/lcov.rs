//! Which lines ran, in the format of lcov: `DA:line,count`.

use super::coverage::Covered;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// A record for each file; several entries may stand in one. The count of a line is the number of sandboxes that it ran in. An
/// entry whose source is in no file line by line goes under its id.
pub(crate) fn render(covered: &[Covered], directory: &Path) -> String {
    let mut files: BTreeMap<String, BTreeMap<usize, u64>> = BTreeMap::new();
    for entry in covered {
        let file = match &entry.file {
            Some(file) => {
                directory.join(file).components().collect::<std::path::PathBuf>().display().to_string()
            }
            None => entry.id.clone(),
        };
        let file = file.strip_prefix("./").map(str::to_owned).unwrap_or(file);
        let lines = files.entry(file).or_default();
        for (line, count) in &entry.lines {
            *lines.entry(*line).or_default() += count;
        }
    }
    let mut text = String::new();
    for (file, lines) in files {
        let ran = lines.values().filter(|count| **count > 0).count();
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "TN:\nSF:{file}");
        for (line, count) in &lines {
            let _ = writeln!(text, "DA:{line},{count}");
        }
        let _ = writeln!(text, "LF:{}\nLH:{ran}\nend_of_record", lines.len());
    }
    text
}
