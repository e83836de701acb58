//! Live things and services as a specification.

mod placeholders;
mod resources;
mod services;
mod support;
