//! Perilune's specification as tests: one file a topic, one test a promise.

mod bad_input;
mod channels;
mod clean_memory;
mod coroutines;
mod data_modules;
mod embedding;
mod errors;
mod functions;
mod hostile_guest;
mod hot_swap;
mod isolation;
mod language;
mod limits;
mod load;
mod mailbox;
mod many;
mod module_lua;
mod never_frozen;
mod pools;
mod process_command;
mod registry_module;
mod registry_queries;
mod require;
mod reset;
mod time;
mod values;
