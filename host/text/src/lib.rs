//! Regular expressions, differences, templates, sanitising: text that hostile scripts bring.
//!
//! Nothing here knows Lua or wasm. Every function is bounded in time and memory, whatever it is given; those that can take longer
//! than a few milliseconds say so, and belong on a thread of their own.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `regexp/` | [`regexp`]: regular expressions, what they cost, and those used lately |
//! | `diff.rs` | [`diff`]: comparing texts, patches |
//! | `splitter/` | [`splitter`]: cutting text into chunks, plain and Markdown |
//! | `html/` | [`html`]: policies, and the text that is left by them |
//! | `templates/` | [`templates`]: sets of templates in two syntaxes, rendered on deep stacks |
//! | `allowance.rs` | how long a piece of work may take |

mod allowance;
pub mod diff;
pub mod html;
pub mod regexp;
pub mod splitter;
pub mod templates;
