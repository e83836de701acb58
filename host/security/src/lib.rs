//! Who may do what: actors, scopes and policies.
//!
//! An [`Authority`] is what a call acts with: an [`Actor`], and a [`Scope`] of policies. It says of an action on a resource
//! whether a policy allows it, denies it, or says nothing. Deny wins.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `actor.rs` | [`Actor`]: an id and what is known about it |
//! | `policy.rs` | [`Policy`]: a rule with an id; [`Decision`]: what it says |
//! | `scope.rs` | [`Scope`]: policies that hold together |
//! | `authority.rs` | [`Authority`]: what a call acts with |

mod actor;
mod authority;
mod policy;
mod scope;

pub use actor::Actor;
pub use authority::Authority;
pub use policy::{Decision, Policy, Question, Rule};
pub use scope::Scope;
