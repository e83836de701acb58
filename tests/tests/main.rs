//! Perilune's specification as tests: one file a topic, one test a promise.

mod channels;
mod coroutines;
mod data_modules;
mod errors;
mod hostile_guest;
mod isolation;
mod language;
mod limits;
mod mailbox;
mod registry_module;
mod require;
mod time;
mod values;
