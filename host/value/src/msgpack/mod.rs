//! The wire form of values: MessagePack, with error objects as extension type 1.

mod decode;
mod encode;
mod reader;

pub use decode::{DecodeError, args_from_msgpack, check_args};
pub use encode::{Writer, args_to_msgpack};
pub(crate) use reader::{Reader, Token, deeper};

/// The extension type of an error object; its body is a map with the fields of [`Failure`](crate::Failure).
const ERROR_EXTENSION: i8 = 1;
