//! Perilune's specification as tests: one file a topic, one test a promise.

mod bad_input;
mod channels;
mod clean_memory;
mod compress;
mod coroutines;
mod crypto;
mod data_modules;
mod embedding;
mod env;
mod errors;
mod events;
mod fs;
mod functions;
mod hostile_guest;
mod hot_swap;
mod http_client;
mod isolation;
mod kinds;
mod language;
mod limits;
mod load;
mod mailbox;
mod many;
mod metrics;
mod module_lua;
mod never_frozen;
mod permissions;
mod pools;
mod process_command;
mod queue;
mod registry_module;
mod registry_queries;
mod require;
mod reset;

mod security;
mod security;
mod servers;
mod store;
mod streams;

mod system;
mod time;
mod values;
mod websocket;
mod yaml;
