//! From files to entries: the tree on disk, the syntaxes, the documents.

pub(crate) mod document;
mod files;
mod json;
mod node;
mod reader;
mod sources;
mod texts;
mod walk;
mod yaml;

pub use files::Files;
pub use reader::{Places, Reader};
pub use walk::{Baseline, Ignored};
