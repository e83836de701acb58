//! Actors, scopes, policies, tokens: who may do what, as Lua and the library see it.

use perilune::{Actor, Authority, Call, Failure, Kind, Strictness, Value};
use perilune_tests::{App, render};

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

// Strictness.

const READS: &str = "return assert(registry.get('app:kv')).kind";
const ALONE: &str = "version: '1.0'\nnamespace: app\nentries:\n  - {name: kv, kind: registry.entry}\n  \
                     - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [registry]}\n";

fn without_policies(strictness: Strictness) -> App {
    let main = format!("return function()\n{READS}\nend");
    App::with(&[("app.yaml", ALONE), ("main.lua", &main)], |builder| builder.strictness(strictness))
}

#[tokio::test]
async fn without_policies_modules_are_all_that_counts() {
    assert_eq!(without_policies(Strictness::default()).main().await, Value::from("registry.entry"));
}

#[tokio::test]
async fn with_policies_a_call_without_an_actor_may_do_nothing_that_is_guarded() {
    let failure = app(READS).main_fails().await;
    assert_eq!(failure.kind, Kind::PermissionDenied);
    let expected = "a call without an actor may not registry.get `app:kv`: it has no scope of policies that could allow it";
    assert_eq!(failure.message, expected);
}

#[tokio::test]
async fn a_host_may_insist_on_policies() {
    assert_eq!(without_policies(Strictness::Always).main_fails().await.kind, Kind::PermissionDenied);
}

#[tokio::test]
async fn a_host_may_let_calls_without_an_actor_do_everything() {
    let app = with(READS, |builder| builder.strictness(Strictness::Never));
    assert_eq!(app.main().await, Value::from("store.memory"));
    let failure = as_ann(&app, &["app:no_secrets"]).await.expect_err("who has a scope is held to it");
    assert_eq!(
        failure.message,
        "actor `user:ann` may not registry.get `app:kv`: no policy of its scope allows it"
    );
}

#[tokio::test]
async fn a_call_with_an_actor_alone_or_a_scope_alone_is_refused() {
    let app = app(READS);
    let full = app.runtime.authority(Actor::new("ann"), &["app:everything"], &[]).expect("it is there");
    for authority in [Authority { scope: None, ..full.clone() }, Authority { actor: None, ..full }] {
        let failure = app.runtime.call_with(Call::new("app:main").authority(authority)).await;
        assert_eq!(failure.expect_err("it is refused").kind, Kind::PermissionDenied);
    }
}

#[tokio::test]
async fn what_a_source_asks_for_at_its_top_is_asked_for_the_call() {
    let main = "local entry = assert(registry.get('app:kv')) return function() return entry.kind end";
    let app = App::new(&[("app.yaml", POLICIES), ("main.lua", main), ("who.lua", WHO)]);
    assert_eq!(app.main_fails().await.kind, Kind::PermissionDenied);
    assert_eq!(as_ann(&app, &["app:everything"]).await, Ok(Value::from("store.memory")));
    assert_eq!(app.main_fails().await.kind, Kind::PermissionDenied);
}

#[tokio::test]
async fn a_denial_wins_and_says_so() {
    let app = app("return registry.get('app:secret')");
    let failure = as_ann(&app, &["app:everything", "app:no_secrets"]).await.expect_err("it is denied");
    let expected = "actor `user:ann` may not registry.get `app:secret`: a policy of its scope denies it";
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::PermissionDenied, expected));
}

#[tokio::test]
async fn a_change_of_policies_reaches_the_next_call() {
    let app = app("
        local changes = registry.snapshot():changes()
        changes:update({ id = 'app:everything', kind = 'security.policy',
            data = { policy = { actions = '*', resources = '*', effect = 'deny' } } })
        assert(changes:apply())
        return security.can('x', 'y')");
    assert_eq!(as_ann(&app, &["app:everything"]).await, Ok(Value::from(true)), "a call keeps its scope");
    assert_eq!(
        as_ann(&app, &["app:everything"]).await.expect_err("it is denied").kind,
        Kind::PermissionDenied
    );
}

#[tokio::test]
async fn policies_may_ask_which_kinds_a_change_touches() {
    let yaml = POLICIES.to_owned()
        + "  - name: no_policy_changes
    kind: security.policy
    policy:
      actions: registry.apply
      resources: '*'
      effect: deny
      conditions: [{field: meta.kinds, operator: contains, value: security.policy}]
";
    let main = "return function(id, kind)
        local changes = registry.snapshot():changes()
        changes:delete(id)
        local version, err = changes:apply()
        return version ~= nil, err
    end";
    let app = App::new(&[("app.yaml", &yaml), ("main.lua", main), ("who.lua", WHO)]);
    let delete = async |id: &str| {
        let authority =
            app.runtime.authority(Actor::new("ann"), &["app:everything", "app:no_policy_changes"], &[]);
        let call = Call::new("app:main").arg(id).authority(authority.expect("they are there"));
        app.runtime.call_with(call).await.map(drop).map_err(|failure| (failure.kind, failure.message))
    };
    let denied = delete("app:own_orders").await.expect_err("it touches a policy");
    assert_eq!(denied.0, Kind::PermissionDenied);
    assert_eq!(delete("app:who").await, Ok(()));
}

// What is refused at load.

/// An entry, and what its refusal says.
const REFUSED: &[(&str, &str)] = &[
    ("{name: x, kind: security.policy}", "field `policy`: it is missing"),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*'}}",
        "field `policy.effect`: it is missing",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: permit}}",
        "is not one of `allow`, `deny`",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: [], resources: '*', effect: allow}}",
        "policy.actions",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: 5, resources: '*', effect: allow}}",
        "expected a string or a list of strings",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: deny, conditions: [{field: actor.name, operator: exists}]}}",
        "`actor.name` is nothing that a policy knows",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: deny, conditions: [{field: actor.id, operator: like, value: a}]}}",
        "conditions[1].operator",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: deny, conditions: [{field: actor.id, operator: matches, value: '('}]}}",
        "the regular expression `(` is not valid",
    ),
    (
        "{name: x, kind: security.policy, policy: {actions: '*', resources: '*', effect: deny, expression: 'true'}}",
        "`policy` has no such field",
    ),
    (
        "{name: x, kind: security.policy.expr, policy: {actions: '*', resources: '*', effect: deny, expression: 'actor.id =='}}",
        "the expression is not valid",
    ),
    (
        "{name: x, kind: security.policy, groups: [a b], policy: {actions: '*', resources: '*', effect: deny}}",
        "groups[1]",
    ),
    (
        "{name: x, kind: security.token_store, store: everything}",
        "name an entry of kind `store.memory` or `store.sql`",
    ),
    (
        "{name: x, kind: security.token_store, store: kv, token_key: short}",
        "the secret is shorter than 16 bytes",
    ),
    ("{name: x, kind: security.token_store, store: kv, token_length: 8}", "8 is out of range"),
    (
        "{name: x, kind: store.memory, lifecycle: {security: {policies: [everything]}}}",
        "field `lifecycle.security.actor`: it is missing",
    ),
    (
        "{name: x, kind: store.memory, lifecycle: {security: {actor: {id: a}, policies: [everyting]}}}",
        "there is no entry `app:everyting`",
    ),
    (
        "{name: x, kind: store.memory, lifecycle: {security: {actor: {id: a}, policies: [kv]}}}",
        "`app:kv` is of kind `store.memory`",
    ),
    (
        "{name: x, kind: store.memory, lifecycle: {security: {actor: {id: a}, groups: [stuff]}}}",
        "there is no group of policies `app:stuff`",
    ),
];

#[test]
fn what_is_wrong_with_policies_is_said_at_load() {
    for (entry, expected) in REFUSED {
        let yaml = format!("{POLICIES}  - {entry}\n");
        let files = [("app.yaml", yaml.as_str()), ("main.lua", "return {}"), ("who.lua", WHO)];
        let refused = App::try_new(&files).err().unwrap_or_else(|| panic!("{entry} is refused"));
        assert!(render(&refused).contains(expected), "{entry}: {}", render(&refused));
    }
}

#[test]
fn a_service_may_name_groups_of_any_namespace() {
    let service = "{name: x, kind: store.memory, lifecycle: {security: {actor: {id: a}, groups: [staff, lib:customers]}}}";
    let yaml = format!("{POLICIES}  - {service}\n");
    App::new(&[("app.yaml", yaml.as_str()), ("main.lua", "return {}"), ("who.lua", WHO)]);
}

#[tokio::test]
async fn a_group_that_a_service_needs_cannot_be_taken_away() {
    let yaml = format!(
        "{POLICIES}  - {{name: x, kind: store.memory, lifecycle: {{security: {{actor: {{id: a}}, groups: [lib:customers]}}}}}}\n"
    );
    let main = "return function()
        local changes = registry.snapshot():changes()
        changes:delete('app:own_orders')
        local version, err = changes:apply()
        return version ~= nil, err
    end";
    let app = App::new(&[("app.yaml", yaml.as_str()), ("main.lua", main), ("who.lua", WHO)]);
    let failure = as_ann(&app, &["app:everything"]).await.expect_err("it is refused");
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.message.contains("lib:customers"), "{failure}");
}

// The module.

#[tokio::test]
async fn without_an_actor_and_a_scope_there_are_none_and_nothing_can_be_done() {
    let main = "return function()
        assert(security.actor() == nil and security.scope() == nil)
        local can, err = security.can('order.read', 'order:1')
        assert(can == false and err == nil)
    end";
    for yaml in [ALONE.replace("[registry]", "[security]").as_str(), POLICIES] {
        App::new(&[("app.yaml", yaml), ("main.lua", main), ("who.lua", WHO)]).main().await;
    }
}

#[tokio::test]
async fn the_actor_says_who_it_is() {
    ann_checks(
        "
        local actor = security.actor()
        assert(actor:id() == 'user:ann' and actor:meta().level == 3 and tostring(actor) == 'actor{user:ann}')
        actor:meta().level = 9
        assert(actor:meta().level == 3 and type(actor) == 'userdata')",
    )
    .await;
}

#[tokio::test]
async fn can_says_what_the_scope_allows() {
    let app = app("
        assert(security.can('order.read', 'order:1', { owner = 'user:ann' }) == true)
        assert(security.can('order.read', 'order:1', { owner = 'user:bob' }) == false)
        assert(security.can('order.read', 'order:1') == false)
        assert(security.can('order.read', 'order:secret', { owner = 'user:ann' }) == false)
        assert(security.can('report.read', 'x') == true)
        assert(not pcall(security.can, 5, 'x'))
        local can, err = security.can('a', ('x'):rep(5000))
        assert(can == false and err:kind() == errors.INVALID)
        can, err = security.can('a', 'b', { text = ('x'):rep(20000) })
        assert(can == false and err:kind() == errors.INVALID)
        can, err = security.can('a', 'b', { 1, 2 })
        assert(can == false and err:kind() == errors.INVALID)");
    as_ann(&app, &["app:own_orders", "app:no_secrets", "app:by_level"]).await.expect("it succeeds");
}

#[tokio::test]
async fn scopes_are_made_changed_and_asked() {
    ann_checks(
        "
        local own = security.scope()
        assert(own:contains('app:everything') and #own:policies() == 1)
        local scope = security.new_scope({ 'app:own_orders' }):with(assert(security.policy('app:no_secrets')))
        assert(scope:contains('app:no_secrets') and scope:contains({ ns = 'app', name = 'own_orders' }))
        assert(not scope:contains('app:everything') and #scope:policies() == 2)
        local actor = security.new_actor('user:bob', { level = 1 })
        assert(scope:evaluate(actor, 'order.read', 'order:1', { owner = 'user:bob' }) == 'allow')
        assert(scope:evaluate(actor, 'order.read', 'order:secret', { owner = 'user:bob' }) == 'deny')
        assert(scope:evaluate(actor, 'db.get', 'app:db') == 'undefined')
        local less = scope:without('app:no_secrets')
        assert(less:evaluate(actor, 'order.read', 'order:secret', { owner = 'user:bob' }) == 'allow')
        assert(scope:contains('app:no_secrets'), 'a scope never changes')
        assert(#security.new_scope():policies() == 0)",
    )
    .await;
}

#[tokio::test]
async fn a_group_is_a_scope() {
    ann_checks(
        "
        local scope = assert(security.named_scope('app:staff'))
        assert(#scope:policies() == 2 and scope:policies()[2]:id() == 'app:own_orders')
        local none, err = security.named_scope('app:stuff')
        assert(none == nil and err:kind() == errors.NOT_FOUND)",
    )
    .await;
}

#[tokio::test]
async fn a_policy_can_be_asked_alone() {
    ann_checks(
        "
        local policy = assert(security.policy('app:by_level'))
        assert(policy:id() == 'app:by_level')
        assert(policy:evaluate(security.actor(), 'report.read', 'x') == 'allow')
        assert(policy:evaluate(security.new_actor('guest'), 'report.read', 'x') == 'undefined')
        local none, err = security.policy('app:by_lvel')
        assert(none == nil and err:kind() == errors.NOT_FOUND)
        assert(not pcall(policy.evaluate, policy, 'ann', 'report.read', 'x'))",
    )
    .await;
}

#[tokio::test]
async fn builders_raise_what_is_denied() {
    let app = app("
        for _, build in ipairs({
            function() return security.new_actor('user:bob') end, function() return security.new_scope() end,
            function() return security.scope():with('app:everything') end, function() return security.scope():without('app:by_level') end,
        }) do
            local built, err = pcall(build)
            assert(not built and err:kind() == errors.PERMISSION_DENIED, tostring(err))
        end");
    as_ann(&app, &["app:by_level"]).await.expect("it succeeds");
}

#[tokio::test]
async fn a_scope_cannot_be_made_of_policies_that_one_may_not_get() {
    let yaml = POLICIES.to_owned()
        + "  - {name: makes_scopes, kind: security.policy, policy: {actions: security.scope.create, resources: '*', effect: allow}}\n";
    let main = "return function()
        local own = security.new_scope({ 'app:makes_scopes' })
        local made, err = pcall(security.new_scope, { 'app:everything' })
        assert(not made and err:kind() == errors.PERMISSION_DENIED and err:details().action == 'security.policy.get')
        made, err = pcall(own.with, own, 'app:everything')
        assert(not made and err:kind() == errors.PERMISSION_DENIED)
    end";
    let app = App::new(&[("app.yaml", yaml.as_str()), ("main.lua", main), ("who.lua", WHO)]);
    as_ann(&app, &["app:makes_scopes"]).await.expect("it succeeds");
}

#[tokio::test]
async fn what_is_no_actor_cannot_be_one() {
    ann_checks(
        "
        for id, meta in pairs({ [''] = {}, [('x'):rep(5000)] = {}, a = { ('x'):rep(20000) } }) do
            local made, err = pcall(security.new_actor, id, meta)
            assert(not made and err:kind() == errors.INVALID, tostring(err))
        end
        assert(not pcall(security.new_actor, nil) and not pcall(security.new_actor, 'a', print))
        assert(not pcall(security.new_scope, 'app:everything') and not pcall(security.new_scope, { 5 }))",
    )
    .await;
}

// Calls.

#[tokio::test]
async fn callees_act_as_their_callers_do() {
    ann_checks(
        "
        local who = assert(funcs.call('app:who'))
        assert(who.actor == 'user:ann' and who.policies == 'app:everything')
        who = assert(funcs.async('app:who'):response():receive()):data()
        assert(who.actor == 'user:ann')",
    )
    .await;
}

#[tokio::test]
async fn a_caller_may_choose_for_whom_and_under_what_its_callees_act() {
    ann_checks("
        local bob = security.new_actor('user:bob')
        local scope = security.new_scope({ 'app:no_secrets' })
        local executor = funcs.new():with_actor(bob):with_scope(scope):with_context({ a = 1 }):with_options({ timeout = '5s' })
        local who = assert(executor:call('app:who'))
        assert(who.actor == 'user:bob' and who.policies == 'app:no_secrets' and who.ctx.a == 1)
        assert(funcs.new():with_actor(bob):call('app:who').policies == 'app:everything')
        assert(funcs.new():with_scope(scope):call('app:who').actor == 'user:ann')
        assert(funcs.call('app:who').actor == 'user:ann')
        assert(not pcall(executor.with_actor, executor, 'user:bob') and not pcall(executor.with_scope, executor, bob))").await;
}

#[tokio::test]
async fn options_cannot_smuggle_an_actor_in() {
    ann_checks(
        "
        local executor = funcs.new():with_options({ actor = 'user:root', scope = 'x', context = { a = 1 } })
        local who = assert(executor:call('app:who'))
        assert(who.actor == 'user:ann' and who.policies == 'app:everything' and who.ctx.a == nil)",
    )
    .await;
}

#[tokio::test]
async fn who_may_not_choose_gets_no_executor() {
    let yaml = POLICIES.to_owned()
        + "  - {name: calls, kind: security.policy, policy: {actions: [funcs.call, security.*], resources: '*', effect: allow}}\n";
    let main = "return function()
        local executor, err = funcs.new():with_actor(security.new_actor('user:root'))
        assert(executor == nil and err:kind() == errors.PERMISSION_DENIED)
        executor, err = funcs.new():with_scope(security.new_scope())
        assert(executor == nil and err:kind() == errors.PERMISSION_DENIED)
        executor, err = funcs.new():with_context({ a = 1 })
        assert(executor == nil and err:kind() == errors.PERMISSION_DENIED)
        assert(funcs.call('app:who').actor == 'user:ann')
    end";
    let app = App::new(&[("app.yaml", yaml.as_str()), ("main.lua", main), ("who.lua", WHO)]);
    as_ann(&app, &["app:calls"]).await.expect("it succeeds");
}

#[tokio::test]
async fn an_actor_of_an_earlier_call_is_worth_nothing() {
    let yaml = POLICIES.replace(
        "method: main, modules: [ctx, funcs",
        "method: main, pool: {type: inline}, modules: [ctx, funcs",
    );
    assert_ne!(yaml, POLICIES);
    let main = "local kept
    return function()
        kept = kept or security.new_actor('user:bob')
        return funcs.new():with_actor(kept):call('app:who')
    end";
    let app = App::new(&[("app.yaml", yaml.as_str()), ("main.lua", main), ("who.lua", WHO)]);
    let first = as_ann(&app, &["app:everything"]).await.expect("it is this call's own");
    assert_eq!(first.get("actor"), Some(&Value::from("user:bob")));
    let failure = as_ann(&app, &["app:everything"]).await.expect_err("it was another call's");
    assert_eq!(failure.kind, Kind::Invalid);
    assert_eq!(
        failure.message,
        "this actor belongs to another call: get or make it in the call that uses it"
    );
}

#[tokio::test]
async fn a_module_is_denied_with_all_its_methods() {
    let yaml = POLICIES.to_owned()
        + "  - {name: tools, kind: module.lua, source: 'return { use = function() return 1 end }'}
  - {name: no_tools, kind: security.policy, policy: {actions: funcs.call, resources: 'app:tools', effect: deny}}
  - {name: tools_only, kind: security.policy, policy: {actions: funcs.call, resources: 'app:tools', effect: allow}}
";
    let main = "return function() return funcs.call('app:tools.use') end";
    let app = App::new(&[("app.yaml", yaml.as_str()), ("main.lua", main), ("who.lua", WHO)]);
    let failure = as_ann(&app, &["app:everything", "app:no_tools"]).await.expect_err("it is denied");
    assert_eq!(failure.kind, Kind::PermissionDenied);
    assert_eq!(as_ann(&app, &["app:tools_only"]).await, Ok(Value::from(1)));
}

#[tokio::test]
async fn an_entry_with_a_dot_in_its_name_is_no_method_of_another() {
    let yaml = POLICIES.to_owned()
        + "  - {name: tools, kind: module.lua, source: 'return { use = function() return 1 end }'}
  - {name: tools.use, kind: function.lua, method: main, source: 'return function() return 2 end'}
  - {name: tools_only, kind: security.policy, policy: {actions: funcs.call, resources: 'app:tools', effect: allow}}
";
    let main = "return function() return funcs.call('app:tools.use') end";
    let app = App::new(&[("app.yaml", yaml.as_str()), ("main.lua", main), ("who.lua", WHO)]);
    assert_eq!(
        as_ann(&app, &["app:tools_only"]).await.expect_err("it is not allowed").kind,
        Kind::PermissionDenied
    );
}

// The registry.

#[tokio::test]
async fn entries_that_one_may_not_read_are_not_found() {
    let yaml = POLICIES.to_owned()
        + "  - {name: reads_code, kind: security.policy, policy: {actions: registry.get, resources: ['app:main', 'app:who'], effect: allow}}\n";
    let main = "return function()
        local found = registry.find({})
        assert(#found == 2 and found[1].id == 'app:main' and found[2].id == 'app:who')
        assert(#registry.snapshot():entries() == 2)
        for _, id in ipairs({ 'app:kv', 'app:nothing' }) do
            local none, err = registry.get(id)
            assert(none == nil and err:kind() == errors.PERMISSION_DENIED)
        end
    end";
    let app = App::new(&[("app.yaml", yaml.as_str()), ("main.lua", main), ("who.lua", WHO)]);
    as_ann(&app, &["app:reads_code"]).await.expect("it succeeds");
}

// Tokens.

#[tokio::test]
async fn a_token_stands_for_an_actor_and_a_scope() {
    ann_checks("
        local tokens = assert(security.token_store('app:tokens'))
        local bob = security.new_actor('user:bob', { level = 2 })
        local token = assert(tokens:create(bob, security.new_scope({ 'app:no_secrets' }), { expiration = '1h', meta = { from = 'web' } }))
        local actor, scope, err = tokens:validate(token)
        assert(actor:id() == 'user:bob' and actor:meta().level == 2 and scope:contains('app:no_secrets') and err == nil)
        assert(funcs.new():with_actor(actor):with_scope(scope):call('app:who').actor == 'user:bob')
        assert(tokens:revoke(token) == true)
        actor, scope, err = tokens:validate(token)
        assert(actor == nil and scope == nil and err:kind() == errors.INVALID)
        for _, wrong in ipairs({ '', 'x', token .. 'x', token:upper() }) do
            actor, scope, err = tokens:validate(wrong)
            assert(actor == nil and err:kind() == errors.INVALID)
        end
        assert(tokens:close() == true and tokens:close() == true)
        local none, closed = tokens:create(bob, security.new_scope())
        assert(none == nil and closed:kind() == errors.INVALID)").await;
}

#[tokio::test]
async fn tokens_outlive_the_call_that_made_them_and_expire() {
    let app = app("
        local tokens = security.token_store('app:tokens')
        local token = ...
        if not token then
            return { long = tokens:create(security.actor(), security.scope()), short = tokens:create(security.actor(), security.scope(), { expiration = 1 }) }
        end
        local actor, _, err = tokens:validate(token)
        return actor and actor:id(), err");
    let made = as_ann(&app, &["app:everything"]).await.expect("they are made");
    let validate = async |name: &str| {
        let authority =
            app.runtime.authority(Actor::new("other"), &["app:everything"], &[]).expect("it is there");
        let call =
            Call::new("app:main").arg(made.get(name).cloned().unwrap_or_default()).authority(authority);
        app.runtime.call_with(call).await
    };
    assert_eq!(validate("long").await, Ok(Value::from("user:ann")));
    while validate("short").await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_token_does_not_outlive_its_policies() {
    ann_checks("
        local tokens = security.token_store('app:tokens')
        local token = assert(tokens:create(security.actor(), security.new_scope({ 'app:by_level' })))
        local changes = registry.snapshot():changes()
        changes:delete('app:by_level')
        assert(changes:apply())
        local actor, scope, err = tokens:validate(token)
        assert(actor == nil and scope == nil and err:message() == 'there is no policy `app:by_level`', tostring(err))").await;
}

#[tokio::test]
async fn options_of_a_token_are_checked() {
    ann_checks("
        local tokens = security.token_store('app:tokens')
        for _, options in ipairs({ { expiration = 0 }, { expiration = -5 }, { expiration = 'soon' }, { expiration = '900000h' }, { meta = { ('x'):rep(20000) } } }) do
            local token, err = tokens:create(security.actor(), security.scope(), options)
            assert(token == nil and err:kind() == errors.INVALID, tostring(err))
        end
        assert(not pcall(tokens.create, tokens, 'ann', security.scope()))").await;
}
