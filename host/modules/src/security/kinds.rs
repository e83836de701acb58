//! Kinds `security.policy` and `security.policy.expr`, and the list of all kinds.

use perilune_registry::{Entry, Field, Fields, KindSpec, Problem, Type};
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_security::{EXPRESSION_POLICY, GROUP, OPERATOR_NAMES, POLICY, Policies, Policy, WrittenRule};
use perilune_value::Failure;
use std::sync::Arc;

/// All of them.
pub const KINDS: &[ResourceKind] = &[
    ResourceKind { spec: POLICY_SPEC, open },
    ResourceKind { spec: EXPRESSION_SPEC, open },
    super::tokens::KIND,
];

pub(super) const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

/// Without placeholders: what a policy says is checked when it is loaded, and does not depend on where that is.
const POLICY_SPEC: KindSpec = KindSpec {
    name: POLICY,
    doc: "Allows or denies actions on resources",
    fields: Fields::Known(&[
        Field {
            name: "policy",
            ty: Type::Object(&[ACTIONS, RESOURCES, EFFECT, CONDITIONS]),
            required: true,
            doc: "what is allowed or denied",
            ..FIELD
        },
        GROUPS,
    ]),
    check: Some(check),
    ..KindSpec::EMPTY
};

const EXPRESSION_SPEC: KindSpec = KindSpec {
    name: EXPRESSION_POLICY,
    doc: "Allows or denies actions on resources where an expression holds",
    fields: Fields::Known(&[
        Field {
            name: "policy",
            ty: Type::Object(&[ACTIONS, RESOURCES, EFFECT, CONDITIONS, EXPRESSION]),
            required: true,
            doc: "what is allowed or denied",
            ..FIELD
        },
        GROUPS,
    ]),
    check: Some(check),
    ..KindSpec::EMPTY
};

const ACTIONS: Field = Field {
    name: "actions",
    ty: Type::StringOrStrings,
    required: true,
    doc: "patterns of actions such as `db.get`; `*` stands for anything",
    ..FIELD
};
const RESOURCES: Field = Field {
    name: "resources",
    ty: Type::StringOrStrings,
    required: true,
    doc: "patterns of what they are done to, such as `app:*`",
    ..FIELD
};
const EFFECT: Field = Field {
    name: "effect",
    ty: Type::OneOf(&["allow", "deny"]),
    required: true,
    doc: "what the policy says; a denial wins over what others allow",
    ..FIELD
};
const CONDITIONS: Field = Field {
    name: "conditions",
    ty: Type::Objects(&[
        Field {
            name: "field",
            ty: Type::String,
            required: true,
            doc: "`actor.id`, `actor.meta.…`, `action`, `resource` or `meta.…`",
            ..FIELD
        },
        Field {
            name: "operator",
            ty: Type::OneOf(OPERATOR_NAMES),
            required: true,
            doc: "how the field relates to the value",
            ..FIELD
        },
        Field { name: "value", ty: Type::Any, doc: "what it is compared with", ..FIELD },
        Field { name: "value_from", ty: Type::String, doc: "a field that it is compared with", ..FIELD },
    ]),
    default: "none",
    doc: "all must hold for the policy to say anything",
    ..FIELD
};
const EXPRESSION: Field = Field {
    name: "expression",
    ty: Type::String,
    required: true,
    doc: "must be true for the policy to say anything, over `actor`, `action`, `resource`, `meta`",
    ..FIELD
};
const GROUPS: Field = Field {
    name: "groups",
    ty: Type::Introduces(GROUP),
    default: "none",
    doc: "groups that the policy belongs to",
    ..FIELD
};

fn check(entry: &Entry) -> Vec<Problem> {
    WrittenRule::read(entry).err().unwrap_or_default()
}

/// The policy as scopes hold it.
fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let id = opening.id().to_string();
    let policies = opening.shared().get::<Policies>().of(&opening.host().registry);
    let policy: Policy =
        policies.policy(&id).cloned().ok_or_else(|| Failure::not_found(format!("there is no policy {id}")))?;
    Ok(Opened::resource(Arc::new(policy)))
}
