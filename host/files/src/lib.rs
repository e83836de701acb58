//! Directories that no path leads out of.
//!
//! An `fs.directory` or `fs.embed` entry is a [`Directory`]. Every access goes through a capability of cap-std for that directory, so neither
//! `..` nor an absolute path nor a symbolic link reaches anything outside of it, not even one that is put in place while a path
//! is being followed. The directory itself lies in the application's folder or below one that the host allows ([`Root`]).
//!
//! All operations are asynchronous and may be used from anywhere: the blocking part runs on threads for that, a bounded number
//! at a time for each directory. A future that is dropped leaves at most the step under way.
//!
//! ```
//! # async fn serve(directory: &perilune_files::Directory) -> Result<(), perilune_value::Failure> {
//! use perilune_files::{Access, VirtualPath};
//!
//! let path = VirtualPath::parse("/assets/logo.png")?;
//! let file = directory.open(&path, Access::Read).await?;
//! let metadata = file.metadata().await?; // of the file that was opened, whatever has its name by now
//! let first = file.read_at(0, 64 * 1024).await?; // empty at the end
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `kind.rs` | [`KINDS`], and the entry kind `fs.directory` |
//! | `embed.rs`, `choice.rs` | the entry kind `fs.embed`, and which files it shows |
//! | `shelf.rs` | files inside of a pack |
//! | `root.rs` | [`Root`]: which folders of the machine an entry may name |
//! | `path.rs` | [`VirtualPath`]: paths as entries write them |
//! | `directory.rs` | [`Directory`]: asynchronous operations on paths |
//! | `file.rs`, `body.rs` | [`File`]: an open file, which is a stream besides; what it reads from |
//! | `tree.rs` | what each operation does, on a capability |
//! | `metadata.rs` | [`Metadata`], [`Item`]: what is known of a file |
//! | `mode.rs` | [`Mode`]: what the entry lets be done |
//! | `reason.rs` | [`Reason`]: why it did not work, and of which kind that is |
//! | `quota.rs` | [`Limits`]: how much a directory may hold |
//! | `gate.rs` | how many operations run at a time |

mod body;
mod choice;
mod directory;
mod embed;
mod file;
mod gate;
mod kind;
mod metadata;
mod mode;
mod path;
mod quota;
mod reason;
mod root;
mod shelf;
pub mod tree;

pub use directory::Directory;
pub use embed::{Embedded, Packed, embedded_folder};
pub use file::File;
pub use kind::{KINDS, check_folder, location, read_whole};
pub use metadata::{FileType, Item, Metadata};
pub use mode::Mode;
pub use path::VirtualPath;
pub use quota::Limits;
pub use reason::Reason;
pub use root::{Ground, Root};
pub use tree::Access;
