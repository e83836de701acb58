//! Perilune's specification as tests: one file a topic, one test a promise.

mod coroutines;
mod data_modules;
mod hostile_guest;
mod limits;
mod registry_module;
mod time;
