//! Who may do what: actors, scopes and policies.
//!
//! An [`Authority`] is what a call acts with: an [`Actor`], and a [`Scope`] of policies. It says of an action on a resource
//! whether a policy allows it, denies it, or says nothing. Deny wins. Policies are entries as a rule, read by [`Policies`]; whoever
//! embeds the host may write others as a [`Rule`].
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `actor.rs` | [`Actor`]: an id and what is known about it |
//! | `policy.rs` | [`Policy`]: a rule with an id; [`Decision`]: what it says |
//! | `scope.rs` | [`Scope`]: policies that hold together |
//! | `authority.rs` | [`Authority`]: what a call acts with |
//! | `rule.rs` | [`WrittenRule`]: a policy as its entry writes it |
//! | `condition.rs`, `path.rs`, `expression.rs` | what must hold for a rule to apply |
//! | `policies.rs` | [`Policies`]: those of a registry, by id and by group; [`Strictness`] |
//! | `audit.rs` | [`Audit`]: the record of what was refused |
//! | `tokens.rs` | [`Tokens`]: texts that stand for an actor and a scope |

mod actor;
mod audit;
mod authority;
mod condition;
mod expression;
mod path;
mod policies;
mod policy;
mod rule;
mod scope;
mod tokens;

pub use actor::Actor;
pub use audit::{Audit, Denial};
pub use authority::Authority;
pub use condition::OPERATOR_NAMES;
pub use policies::{Index, Policies, Strictness};
pub use policy::{Decision, Policy, Question, Rule};
pub use rule::{EXPRESSION_POLICY, GROUP, POLICIES, POLICY, WrittenRule};
pub use scope::Scope;
pub use tokens::{Grant, Shelf, Tokens};
