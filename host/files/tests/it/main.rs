//! Directories as a specification: what is reached, what is not, and what is said about it.

mod embedded;
mod files;
mod hostile;
mod limits;
mod operations;
mod paths;
mod roots;
mod support;
