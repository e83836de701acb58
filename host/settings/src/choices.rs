//! Settings that are one of a few words.

use crate::definition::Word;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $(#[doc = $word_doc:literal] $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $word_doc] $variant,)*
        }

        impl $name {
            /// As they are written.
            pub(crate) const WORDS: &[Word] = &[$(Word { name: $word, doc: $word_doc.trim_ascii() }),*];

            /// The one that is written so.
            pub(crate) fn named(word: &str) -> Option<Self> {
                match word {
                    $($word => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// When calls without an actor and policies may do nothing that is guarded.
    Strict {
        /// once the application has a policy
        Auto = "auto",
        /// without a policy too
        Always = "always",
        /// not even then
        Never = "never",
    }
}

words! {
    /// Whether texts have colours.
    Color {
        /// on a terminal, as NO_COLOR and CLICOLOR_FORCE say
        Auto = "auto",
        /// everywhere
        Always = "always",
        /// nowhere
        Never = "never",
    }
}

words! {
    /// How log records are written.
    LogFormat {
        /// lines for people
        Text = "text",
        /// an object of JSON on each line
        Json = "json",
    }
}
