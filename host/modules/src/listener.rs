//! Who hears what a call says.

/// Hears what a call says, and what the calls that it makes say, in place of the host's output and log. Processes that they start
/// are not heard: they have a life of their own.
pub trait Listener: Send + Sync + 'static {
    /// A printed line, or a record of module `logger`.
    fn hear(&self, heard: &Heard<'_>);
}

/// What a script said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<'a> {
    /// Whose code said it: an entry's id.
    pub entry: &'a str,
    /// Where, as `entry:line`; may be empty.
    pub location: &'a str,
    /// The level of a record: `debug`, `info`, `warn` or `error`. None for what was printed.
    pub level: Option<&'a str>,
    /// The line without its end, without control characters.
    pub text: &'a str,
}
