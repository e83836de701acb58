//! Durable workflows: on a file of this machine, and on a Temporal server where `PERILUNE_TEST_TEMPORAL` names one. The same code
//! must do the same on both, whether cells are kept between two steps or every step runs the whole history again.
//!
//! | file | promises |
//! |---|---|
//! | `behaviour.rs` | what a workflow may do, by what its own code sees |
//! | `steering.rs` | what may be asked of it and done to it from outside |
//! | `changes.rs` | what becomes of runs whose code changed, and of recorded ones |
//! | `trouble.rs` | long histories, stores that cannot be used, servers that are away |
//! | `foreign.rs` | a client and a worker of another language on the same server |

mod behaviour;
mod changes;
mod foreign;
mod steering;
mod support;
mod trouble;
