//! What holds where there are no policies, no actor, or neither.

use super::{ALONE, POLICIES, WHO, app, as_ann, with};
use perilune::{Actor, Authority, Call, Kind, Strictness, Value};
use perilune_tests::App;

const READS: &str = "return assert(registry.get('app:kv')).kind";

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
