//! Where workflows are kept: the kinds of hosts, one file for each.

pub(super) mod client;
pub(super) mod embedded;
pub(super) mod server;
