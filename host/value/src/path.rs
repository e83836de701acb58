//! Where in a value something is wrong, in Lua's notation: `items[3].name`.

use std::fmt;

/// How many steps of a path are shown: enough to find the place, short enough for a log line.
const SHOWN_STEPS: usize = 16;
/// How many characters of one key are shown.
const SHOWN_KEY: usize = 40;

/// One step down into a table.
pub(crate) enum Step<'a> {
    /// An array element, counted from 1.
    Index(usize),
    Key(&'a [u8]),
}

/// The steps from the root.
#[derive(Default)]
pub(crate) struct Path<'a>(pub(crate) Vec<Step<'a>>);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the value");
        }
        f.write_str("`")?;
        for (position, step) in self.0.iter().take(SHOWN_STEPS).enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if position == 0 { "" } else { "." };
                    // The slice bounds the work for a huge key; four bytes make at least one character.
                    let text = String::from_utf8_lossy(&key[..key.len().min(4 * SHOWN_KEY)]).into_owned();
                    let short: String = text.chars().take(SHOWN_KEY).collect();
                    let ellipsis =
                        if short.len() < text.len() || key.len() > 4 * SHOWN_KEY { "…" } else { "" };
                    write!(f, "{dot}{short}{ellipsis}")?;
                }
            }
        }
        f.write_str(if self.0.len() > SHOWN_STEPS { "…`" } else { "`" })
    }
}
