//! Perilune's specification as tests: one file a topic, one test a promise.

mod coroutines;
mod hostile_guest;
mod limits;
mod time;
