//! Names of runs.

use std::fmt;
use std::sync::Arc;

/// Digits of a number at the least.
const LEAST_DIGITS: u32 = 5;

/// Names one run among all runs of a host: written `{host|number}`, with the number in hexadecimal and at least five digits; or
/// `{host|name}` for what lives on beyond this host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pid {
    /// What runs it, such as `functions`.
    pub host: Arc<str>,
    /// Counts the runs; 0 for one that has a name.
    pub number: u64,
    /// The name of a run that has no number.
    pub name: Option<Arc<str>>,
}

impl Pid {
    /// The pid of a number.
    pub fn numbered(host: Arc<str>, number: u64) -> Self {
        Pid { host, number, name: None }
    }

    /// The pid of a name.
    pub fn named(host: Arc<str>, name: &str) -> Self {
        Pid { host, number: 0, name: Some(name.into()) }
    }

    /// As it is written. Each process is asked several times, so the number is written by hand.
    pub fn text(&self) -> String {
        if self.name.is_some() {
            return self.to_string();
        }
        let digits = (u64::BITS - self.number.leading_zeros()).div_ceil(4).max(LEAST_DIGITS);
        let mut text = String::with_capacity(self.host.len() + digits as usize + 3);
        text.push('{');
        text.push_str(&self.host);
        text.push('|');
        for digit in (0..digits).rev() {
            let value = (self.number >> (4 * digit)) & 15;
            text.push(char::from(b"0123456789abcdef"[value as usize]));
        }
        text.push('}');
        text
    }

    /// Whether a text is this pid.
    pub fn is(&self, text: &str) -> bool {
        let rest = text.strip_prefix('{').and_then(|rest| rest.strip_prefix(&*self.host));
        let number = rest.and_then(|rest| rest.strip_prefix('|')?.strip_suffix('}'));
        // One way to write a number, so that equal pids are equal texts.
        number.is_some_and(|text| {
            let is_short = text.len() == 5 || text.len() > 5 && !text.starts_with('0');
            is_short
                && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
                && u64::from_str_radix(text, 16) == Ok(self.number)
        })
    }

    /// The number in a pid's text, if it is one.
    pub fn number(text: &str) -> Option<u64> {
        let (_, number) = text.strip_prefix('{')?.strip_suffix('}')?.rsplit_once('|')?;
        u64::from_str_radix(number, 16).ok()
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{{{}|{name}}}", self.host),
            None => f.write_str(&self.text()),
        }
    }
}
