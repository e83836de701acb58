//! What a condition asks about: a part of the question.

use crate::Question;
use perilune_value::Value;
use std::borrow::Cow;

/// Keys that lead into metadata; deeper than anything written by hand.
const MAX_KEYS: usize = 16;

/// One of `actor.id`, `actor.meta.x`, `action`, `resource`, `meta.x`, where dots lead on into `x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    ActorId,
    ActorMeta(Vec<String>),
    Action,
    Resource,
    Meta(Vec<String>),
}

impl Path {
    /// Reads a path; the error says what paths there are.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "`{text}` is nothing that a policy knows: write `actor.id`, `actor.meta.…`, `action`, `resource` or `meta.…`"
            )
        };
        let keys = |rest: &str| {
            let keys: Vec<String> = rest.split('.').map(str::to_owned).collect();
            match keys.len() <= MAX_KEYS && keys.iter().all(|key| !key.is_empty()) {
                true => Ok(keys),
                false => Err(unknown()),
            }
        };
        match text {
            "actor.id" => Ok(Path::ActorId),
            "action" => Ok(Path::Action),
            "resource" => Ok(Path::Resource),
            _ => match (text.strip_prefix("actor.meta."), text.strip_prefix("meta.")) {
                (Some(rest), _) => Ok(Path::ActorMeta(keys(rest)?)),
                (_, Some(rest)) => Ok(Path::Meta(keys(rest)?)),
                _ => Err(unknown()),
            },
        }
    }

    /// What stands there; nothing where a key is missing or nil.
    pub(crate) fn find<'a>(&self, question: &Question<'a>) -> Option<Cow<'a, Value>> {
        let text = |text: &str| Some(Cow::Owned(Value::from(text)));
        match self {
            Path::ActorId => text(&question.actor.id),
            Path::Action => text(question.action),
            Path::Resource => text(question.resource),
            Path::ActorMeta(keys) => descend(&question.actor.meta, keys),
            Path::Meta(keys) => descend(question.meta, keys),
        }
    }
}

fn descend<'a>(value: &'a Value, keys: &[String]) -> Option<Cow<'a, Value>> {
    let found = keys.iter().try_fold(value, |value, key| value.get(key))?;
    (*found != Value::Nil).then_some(Cow::Borrowed(found))
}
