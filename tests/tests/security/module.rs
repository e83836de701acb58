//! Module `security`.

use super::{ALONE, POLICIES, WHO, ann_checks, app, as_ann};
use perilune_tests::App;

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
