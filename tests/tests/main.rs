//! Perilune's specification as tests: one file a topic, one test a promise.

mod channels;
mod coroutines;
mod data_modules;
mod errors;
mod functions;
mod hostile_guest;
mod hot_swap;
mod isolation;
mod language;
mod limits;
mod mailbox;
mod process_command;
mod registry_module;
mod require;
mod time;
mod values;
