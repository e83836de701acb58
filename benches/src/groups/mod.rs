//! One file per group of keys.

mod actors;
mod clean;
mod fresh;
mod hibernation;
mod http;
mod idle;
mod images;
mod json;
mod lua;
mod neighbours;
mod sql;
mod throughput;
mod warm;
mod workflows;

use crate::Group;

/// All groups in the order of the table.
pub const GROUPS: &[Group] = &[
    fresh::GROUP,
    warm::GROUP,
    lua::GROUP,
    throughput::GROUP,
    neighbours::GROUP,
    clean::GROUP,
    images::GROUP,
    idle::GROUP,
    hibernation::GROUP,
    http::GROUP,
    json::GROUP,
    sql::GROUP,
    actors::GROUP,
    workflows::GROUP,
    workflows::SERVER,
];
