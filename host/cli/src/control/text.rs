//! Times, sizes, and texts of entries that nobody has checked.

use bytesize::ByteSize;

/// Two units at most: `340ms`, `12s`, `5m12s`, `3h05m`, `2d03h`.
pub(crate) fn time(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        0 => format!("{milliseconds}ms"),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// Such as `1.5 MiB`.
pub(crate) fn size(bytes: usize) -> String {
    ByteSize::b(bytes as u64).display().iec().to_string()
}

/// A number with its noun.
pub(super) fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// A text that an entry chose. It must not move a terminal's cursor, nor begin a line of its own.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown
}

/// Texts that an entry chose, or `-` for none.
pub(super) fn list(texts: &[String]) -> String {
    match texts {
        [] => "-".to_owned(),
        texts => texts.iter().map(|text| shown(text)).collect::<Vec<_>>().join(", "),
    }
}
