//! What an entry lets be done.

/// Permission bits that mask what is done in a directory: those of its owner say whether entries may read and write, and all of
/// them are taken from what is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(u32);

impl Default for Mode {
    /// `0755`.
    fn default() -> Self {
        Mode(0o755)
    }
}

impl Mode {
    /// Permissions of new files before the mask.
    const FILE: u32 = 0o644;
    /// Permissions of new directories before the mask.
    const DIRECTORY: u32 = 0o755;

    /// Reads octal digits such as `0755` or `555`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(text);
        let is_octal = digits.len() == 3 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        u32::from_str_radix(digits, 8).ok().filter(|_| is_octal).map(Mode)
    }

    /// The bits.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether entries may read.
    pub fn readable(self) -> bool {
        self.0 & 0o400 != 0
    }

    /// Whether entries may write, create and remove.
    pub fn writable(self) -> bool {
        self.0 & 0o200 != 0
    }

    /// Permissions of a new file.
    pub fn file(self) -> u32 {
        Self::FILE & self.0
    }

    /// Permissions of a new directory: whoever may read one may look into it.
    pub fn directory(self) -> u32 {
        Self::DIRECTORY & (self.0 | (self.0 & 0o444) >> 2)
    }
}
