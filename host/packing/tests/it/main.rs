//! What packing promises: a pack is the application, all that belongs to it, and nothing else.

mod bytecode;
mod contents;
mod embedded;
mod support;
