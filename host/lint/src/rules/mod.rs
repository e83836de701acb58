//! The rules, a file for what belongs together.

pub(crate) mod calls;
pub(crate) mod comparisons;
pub(crate) mod entries;
pub(crate) mod exports;
pub(crate) mod flow;
pub(crate) mod locals;
pub(crate) mod names;
pub(crate) mod requires;
pub(crate) mod tables;
