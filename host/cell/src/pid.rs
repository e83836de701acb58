//! Names of runs.

use std::fmt;
use std::sync::Arc;

/// Names one run among all runs of a host: written `{host|number}`, with the number in hexadecimal and at least five digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pid {
    /// What runs it, such as `functions`.
    pub host: Arc<str>,
    /// Counts the runs.
    pub number: u64,
}

impl Pid {
    /// The number in a pid's text, if it is one.
    pub fn number(text: &str) -> Option<u64> {
        let (_, number) = text.strip_prefix('{')?.strip_suffix('}')?.rsplit_once('|')?;
        u64::from_str_radix(number, 16).ok()
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}|{:05x}}}", self.host, self.number)
    }
}
