//! What is found in sources and entries, and what is left alone.

mod comments;
mod docs;
mod entries;
mod hostile;
mod repository;
mod rules;
mod support;
mod text;
