//! For whom callees act, and what they may read of the registry.

use super::{POLICIES, WHO, ann_checks, as_ann};
use perilune::{Kind, Value};
use perilune_tests::App;

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
