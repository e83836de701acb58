//! On whose behalf a command calls.

use crate::arguments::Behalf;
use crate::exit::Exit;
use perilune::{Actor, Authority, Failure, Kind, Runtime};

impl Behalf {
    /// The actor and the policies that were named; neither where nobody was.
    pub(crate) fn authority(&self, runtime: &Runtime) -> Result<Authority, Exit> {
        let Some(actor) = &self.actor else { return Ok(Authority::default()) };
        let authority = runtime.authority(Actor::new(actor), &texts(&self.policy), &texts(&self.group));
        authority.map_err(|failure| Exit::usage(failure.message))
    }

    /// The exit of a call that failed. Where it was refused for want of an actor, that says how to name one.
    pub(crate) fn exit(&self, failure: &Failure) -> Exit {
        let action = failure.details.as_ref().and_then(|details| details.get("action"));
        if failure.kind != Kind::PermissionDenied || action.is_none() || self.actor.is_some() {
            return Exit::of_failure(failure);
        }
        Exit::of_failure(failure).with_help(
            "call on somebody's behalf: `--actor ID` with `--policy ID` or `--group ID`; or let calls without an actor do \
             everything: `--strict never`",
        )
    }
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
