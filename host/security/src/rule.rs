//! Policies as entries write them.
//!
//! ```yaml
//! - name: own_orders
//!   kind: security.policy
//!   groups: [customers]
//!   policy:
//!     actions: [order.read, "order.item.*"]
//!     resources: "*"
//!     effect: allow
//!     conditions:
//!       - {field: meta.owner, operator: eq, value_from: actor.id}
//! ```
//!
//! A rule says something only about actions and resources that its patterns match, and only while all of its conditions hold.
//! One condition that does not hold decides, whatever cannot be told about others. Where none fails but one cannot be told,
//! the stricter answer is given: a rule that would allow says nothing, a rule that would deny denies.

use crate::condition::Condition;
use crate::expression::Expression;
use crate::{Decision, Question, Rule};
use perilune_registry::{Code, Entry, FieldPath, Glob, Problem};
use perilune_value::Value;

/// Kind of policies made of patterns and conditions.
pub const POLICY: &str = "security.policy";
/// Kind of policies with an expression.
pub const EXPRESSION_POLICY: &str = "security.policy.expr";
/// Both kinds.
pub const POLICIES: &[&str] = &[POLICY, EXPRESSION_POLICY];
/// What a name in the field `groups` of a policy is of.
pub const GROUP: &str = "group of policies";

/// Patterns in one list, and conditions: each check looks at all of them.
const MOST: usize = 256;
/// Bytes of a pattern.
const LONGEST: usize = 1024;

/// A policy read from its entry.
#[derive(Debug)]
pub struct WrittenRule {
    actions: Vec<Glob>,
    resources: Vec<Glob>,
    effect: Decision,
    conditions: Vec<Condition>,
    expression: Option<Expression>,
}

impl WrittenRule {
    /// Reads an entry of kind [`POLICY`] or [`EXPRESSION_POLICY`] whose fields have the right types.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its patterns, conditions and expression.
    pub fn read(entry: &Entry) -> Result<Self, Vec<Problem>> {
        let policy = entry.data().get("policy").unwrap_or(&Value::Nil);
        let root = FieldPath::from("policy");
        let mut problems = Vec::new();
        let mut bad = |path: FieldPath, message: String| {
            problems.push(Problem::in_field(entry, path, Code::BAD_VALUE, message));
        };
        let mut patterns = |key: &str| match globs(policy.get(key)) {
            Ok(globs) => globs,
            Err(message) => {
                bad(root.key(key), message);
                Vec::new()
            }
        };
        let (actions, resources) = (patterns("actions"), patterns("resources"));
        let mut conditions = Vec::new();
        let written = match policy.get("conditions") {
            Some(Value::Array(items)) => items.as_slice(),
            _ => &[],
        };
        if written.len() > MOST {
            bad(root.key("conditions"), format!("there are more than {MOST} conditions"));
        }
        for (index, item) in written.iter().take(MOST).enumerate() {
            match Condition::parse(item) {
                Ok(condition) => conditions.push(condition),
                Err((key, message)) => bad(root.key("conditions").item(index).key(key), message),
            }
        }
        let written = policy.get("expression").and_then(Value::as_str);
        let expression = written.map(Expression::compile).transpose().unwrap_or_else(|message| {
            bad(root.key("expression"), message);
            None
        });
        let effect = match policy.get("effect").and_then(Value::as_str) {
            Some("allow") => Decision::Allow,
            _ => Decision::Deny,
        };
        match problems.is_empty() {
            true => Ok(WrittenRule { actions, resources, effect, conditions, expression }),
            false => Err(problems),
        }
    }

    /// Whether its conditions hold; `None` where that cannot be told.
    fn holds(&self, question: &Question<'_>) -> Option<bool> {
        let conditions = self.conditions.iter().map(|condition| condition.holds(question));
        let expression = self.expression.iter().map(|expression| expression.holds(question));
        let mut all = Some(true);
        for told in conditions.chain(expression) {
            match told {
                Some(true) => {}
                Some(false) => return Some(false),
                None => all = None,
            }
        }
        all
    }
}

impl Rule for WrittenRule {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        let matches = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.matches(text));
        if !matches(&self.actions, question.action) || !matches(&self.resources, question.resource) {
            return Decision::Undefined;
        }
        match (self.holds(question), self.effect) {
            (Some(true), effect) => effect,
            (None, Decision::Deny) => Decision::Deny,
            (Some(false) | None, _) => Decision::Undefined,
        }
    }
}

/// A pattern, or a list of them.
fn globs(written: Option<&Value>) -> Result<Vec<Glob>, String> {
    let texts: Vec<&str> = match written {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(single) => single.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    match (texts.len(), texts.iter().any(|text| text.len() > LONGEST)) {
        (0, _) => Err("there is no pattern, so the policy would say nothing".to_owned()),
        (count, _) if count > MOST => Err(format!("there are more than {MOST} patterns")),
        (_, true) => Err(format!("a pattern is longer than {LONGEST} bytes")),
        _ => Ok(texts.into_iter().map(Glob::new).collect()),
    }
}
