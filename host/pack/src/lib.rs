//! One file with an application: its entries, sources or bytecode, embedded files, and what proves that nothing was changed.
//!
//! A [`Writer`] gathers files and writes a pack; the same files give the same bytes, whatever their order. [`Pack::open`] reads one:
//! nothing in the file is believed before it was compared with how long the file is, and no file is handed out before all hashes
//! were checked. A [`SigningKey`] signs a pack, and [`Pack::require`] refuses one that nobody trusted has signed.
//!
//! This crate knows nothing of entries and of Lua.
//!
//! ```
//! use perilune_pack::{Content, Pack, Writer};
//!
//! let mut writer = Writer::new();
//! writer.describe("perilune", "0.1.0")?;
//! writer.add(Content::Document, "app.yaml", b"namespace: app\nentries: []\n")?;
//! let bytes = writer.finish(None)?;
//!
//! let pack = Pack::read(bytes)?;
//! let file = pack.get(Content::Document, "app.yaml").ok_or("it is there")?;
//! assert_eq!(file.read()?, b"namespace: app\nentries: []\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `header.rs` | the first 64 bytes: mark, version, lengths, hash |
//! | `index.rs` | [`Content`], and the list of files: paths, sizes, hashes, blocks |
//! | `cursor.rs` | reading numbers and texts out of bytes that may be lies |
//! | `blocks.rs` | contents in compressed blocks, none larger than [`BLOCK`] |
//! | `paths.rs` | which paths may stand in a pack |
//! | `writer.rs` | [`Writer`] |
//! | `reader.rs` | [`Pack`], [`File`] |
//! | `save.rs` | packs and keys on the disk |
//! | `signature.rs` | [`SigningKey`], [`PublicKey`] |
//! | `error.rs` | [`PackError`]: everything that can be wrong, each with its code |

mod blocks;
mod cursor;
mod error;
mod header;
mod index;
mod paths;
mod reader;
mod save;
mod signature;
mod writer;

pub use blocks::BLOCK;
pub use error::{PackError, quote};
pub use header::{FORMAT, MARK};
pub use index::Content;
pub use reader::{File, Limits, Pack};
pub use save::{read_key, save, save_key};
pub use signature::{PublicKey, SigningKey};
pub use writer::Writer;
