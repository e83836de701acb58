//! Components as untrusted code: what they are given, what they are refused, and how they end.

mod commands;
mod grants;
mod hostile;
mod limits;
mod messages;
mod network;
mod support;
mod values;
