//! Stable codes of problems.

/// Makes a type `Code` of the crate whose problems have codes, with a constant for each code.
///
/// ```
/// perilune_value::codes! {
///     /// A file cannot be read.
///     UNREADABLE = "X101";
/// }
///
/// assert_eq!(Code::UNREADABLE.to_string(), "X101");
/// assert_eq!(Code::ALL, [(Code::UNREADABLE, "A file cannot be read.")]);
/// ```
#[macro_export]
macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident = $code:literal;)*) => {
        /// A stable code that scripts and documentation can refer to; texts may change, codes do not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct Code(&'static str);

        impl Code {
            $(#[doc = $doc] pub const $name: Code = Code($code);)*

            /// The codes of this crate, each with what it stands for.
            pub const ALL: &[(Code, &str)] = &[$((Code($code), $doc.trim_ascii())),*];

            /// The code as text.
            pub const fn as_str(self) -> &'static str {
                self.0
            }
        }

        impl std::fmt::Display for Code {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
    };
}
