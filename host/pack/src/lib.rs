//! One file with an application: entries, sources or bytecode, files, hashes, a signature.
