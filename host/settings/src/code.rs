//! Stable codes of problems.

use std::fmt;

/// A stable code that scripts and documentation can refer to; texts may change, codes do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident = $code:literal;)*) => {
        impl Code {
            $(#[doc = $doc] pub const $name: Code = Code($code);)*
        }

        /// All codes, each with what it stands for.
        pub const CODES: &[(Code, &str)] = &[$((Code($code), $doc.trim_ascii())),*];
    };
}

codes! {
    /// A file of settings cannot be read.
    UNREADABLE = "C101";
    /// A file of settings is not well-formed YAML, or uses more of YAML than settings need.
    SYNTAX = "C102";
    /// A setting is unknown.
    UNKNOWN = "C103";
    /// A setting is there twice.
    DUPLICATE = "C104";
    /// A setting is of the wrong type.
    WRONG_TYPE = "C105";
    /// A setting is of the right type but not allowed.
    BAD_VALUE = "C106";
    /// A setting stands in the application's own file, and only the operator may set it.
    OPERATOR_ONLY = "C107";
    /// Two settings contradict each other.
    CONFLICT = "C108";
}
