//! Live things and services as a specification.

mod groups;
mod logs;
mod placeholders;
mod processes;
mod resources;
mod restarts;
mod services;
mod support;
