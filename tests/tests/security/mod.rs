//! Actors, scopes, policies, tokens: who may do what, as Lua and the library see it.
//!
//! | file | promises |
//! |---|---|
//! | `strictness.rs` | what holds where there are no policies, no actor, or neither |
//! | `load.rs` | policies and groups that are refused when an application loads |
//! | `module.rs` | module `security` |
//! | `calls.rs` | for whom callees act, and what they may read of the registry |
//! | `tokens.rs` | tokens that stand for an actor and a scope |

mod calls;
mod load;
mod module;
mod strictness;
mod tokens;

use perilune::{Actor, Call, Failure, Value};
use perilune_tests::App;

/// Policies that the tests act under.
const POLICIES: &str = "version: '1.0'
namespace: app
entries:
  - name: everything
    kind: security.policy
    groups: [staff]
    policy: {actions: '*', resources: '*', effect: allow}
  - name: own_orders
    kind: security.policy
    groups: [staff, lib:customers]
    policy:
      actions: order.*
      resources: ['order:*']
      effect: allow
      conditions:
        - {field: meta.owner, operator: eq, value_from: actor.id}
  - name: no_secrets
    kind: security.policy
    policy: {actions: '*', resources: '*secret*', effect: deny}
  - name: by_level
    kind: security.policy.expr
    policy: {actions: 'report.*', resources: '*', effect: allow, expression: 'actor.meta.level >= 3'}
  - name: kv
    kind: store.memory
  - name: tokens
    kind: security.token_store
    store: kv
    token_key: ${env:PERILUNE_TEST_TOKEN_KEY|a secret of the tests}
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [ctx, funcs, registry, security]}
  - {name: who, kind: function.lua, source: 'file://who.lua', method: main, modules: [ctx, security]}
";

/// A store, and `app:main` without a policy.
const ALONE: &str = "version: '1.0'\nnamespace: app\nentries:\n  - {name: kv, kind: registry.entry}\n  \
                     - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [registry]}\n";

/// Says whom it acts for.
const WHO: &str = "
local security, ctx = require('security'), require('ctx')
return function()
  local actor, scope = security.actor(), security.scope()
  local policies = {}
  for i, policy in ipairs(scope and scope:policies() or {}) do policies[i] = policy:id() end
  return { actor = actor and actor:id(), policies = table.concat(policies, ','), ctx = ctx.all() }
end
";

/// `app:main` with this body beside the policies.
fn app(body: &str) -> App {
    with(body, |builder| builder)
}

fn with(body: &str, settings: impl FnOnce(perilune::RuntimeBuilder) -> perilune::RuntimeBuilder) -> App {
    let main = format!("return function(...)\n{body}\nend\n");
    App::with(&[("app.yaml", POLICIES), ("main.lua", &main), ("who.lua", WHO)], settings)
}

/// Calls `app:main` as Ann under these policies.
async fn as_ann(app: &App, policies: &[&str]) -> Result<Value, Failure> {
    let ann = Actor { id: "user:ann".to_owned(), meta: Value::from_iter([("level", 3), ("team", 7)]) };
    let authority = app.runtime.authority(ann, policies, &[]).expect("the policies are there");
    app.runtime.call_with(Call::new("app:main").authority(authority)).await
}

/// Lua that checks itself, run by Ann, who may do everything.
async fn ann_checks(body: &str) {
    if let Err(failure) = as_ann(&app(body), &["app:everything"]).await {
        panic!("app:main succeeds: {failure:#?}");
    }
}
