//! Entries that are WebAssembly components in other languages.
