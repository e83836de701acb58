//! Stores by themselves. What all backends promise is tested through Lua, in `tests/tests/store.rs`.

mod keys;
mod memory;
mod sql;
mod support;
