//! Tokens that stand for an actor and a scope.

use super::{ann_checks, app, as_ann};
use perilune::{Actor, Call, Value};

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
