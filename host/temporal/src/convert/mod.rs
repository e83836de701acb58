//! The vocabulary of workflows and the protocol, in both directions. Nothing else in the crate knows how values look on the wire.

pub(crate) mod command;
pub(crate) mod event;
pub(crate) mod failure;
pub(crate) mod fields;
pub(crate) mod job;
pub(crate) mod payload;
pub(crate) mod policy;
pub(crate) mod time;
pub(crate) mod version;
