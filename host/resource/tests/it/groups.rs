//! Groups: who starts again with whom, and how often.

use crate::support::{App, Definition, Failing, Started};
use perilune_resource::supervision::strategy::{Intensity, Recent, Strategy};
use perilune_value::Kind;
use proptest::prelude::*;
use std::time::Duration;

/// A group `g` with more fields, and members `a`, `b`, `c` with theirs.
fn group(fields: &str, members: [&str; 3]) -> Started {
    let comma = if fields.is_empty() { "" } else { ", " };
    let group = format!(
        r#"{{"services": ["a", "b", "c"], "lifecycle": {{"auto_start": true, "restart": {{"jitter": 0}}}}{comma}{fields}}}"#
    );
    let [a, b, c] = members.map(|fields| format!("{{{fields}}}"));
    Started::of(&[
        ("g", "service.group", &group),
        ("a", "service", &a),
        ("b", "service", &b),
        ("c", "service", &c),
    ])
}

const FAILS: &str = r#""on_run": "fail 10ms, on""#;

#[tokio::test(start_paused = true)]
async fn members_start_in_their_order_and_stop_in_the_reverse() {
    let slow = r#""on_start": "slow""#;
    let host = group("", [slow, "", ""]);
    assert_eq!(host.start().await.as_deref(), Ok("start a, start b, start c"));
    assert_eq!(
        (host.state("g"), host.state("b"), host.running().await),
        ("running 0".into(), "running 0".into(), "g".into())
    );
    assert_eq!(host.stop().await, "stop c, stopped c, stop b, stopped b, stop a, stopped a");
    assert_eq!(
        (host.state("g").as_str(), host.state("b").as_str()),
        ("stopped 0, not wanted", "stopped 0, not wanted")
    );
}

#[tokio::test(start_paused = true)]
async fn the_strategy_says_who_starts_again_with_a_member() {
    for (strategy, log) in [
        ("one_for_one", "start b"),
        ("one_for_all", "stop c, stopped c, stop a, stopped a, start a, start b, start c"),
        ("rest_for_one", "stop c, stopped c, start b, start c"),
    ] {
        let host = group(&format!(r#""strategy": "{strategy}""#), ["", FAILS, ""]);
        host.start().await.expect("started");
        assert_eq!(host.within(20).await, log, "{strategy}");
        assert_eq!(host.state("b"), "running 1");
    }
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_a_member_says_after_which_ends_it_starts_again() {
    let ends = |policy: &str, how: &str| {
        let member =
            format!(r#""on_run": "{how} 10ms, on", "lifecycle": {{"restart": {{"policy": "{policy}"}}}}"#);
        async move {
            let host = group("", ["", &member, ""]);
            host.start().await.expect("started");
            host.within(20).await
        }
    };
    assert_eq!(
        (ends("on_failure", "exit").await, ends("on_failure", "fail").await),
        (String::new(), "start b".into())
    );
    assert_eq!(
        (ends("always", "exit").await, ends("never", "fail").await),
        ("start b".into(), String::new())
    );
}

#[tokio::test(start_paused = true)]
async fn a_member_that_never_starts_again_stays_stopped_for_the_sake_of_others() {
    let never = r#""lifecycle": {"restart": {"policy": "never"}}"#;
    let host = group(r#""strategy": "one_for_all""#, ["", FAILS, never]);
    host.start().await.expect("started");
    assert_eq!(host.within(20).await, "stop c, stopped c, stop a, stopped a, start a, start b");
}

#[tokio::test(start_paused = true)]
async fn with_too_many_restarts_the_group_fails_and_starts_again_later() {
    let host =
        group(r#""restart": {"max_restarts": 2, "within": "1s"}"#, ["", r#""on_run": "fail 10ms""#, ""]);
    host.start().await.expect("started");
    let log = "start b, start b, stop c, stopped c, stop a, stopped a";
    assert_eq!(host.within(100).await, log);
    assert_eq!(
        host.state("g"),
        "waiting 1: app:g: more than 2 restarts within 1s, the last because of app:b: b failed"
    );
    assert_eq!(host.within(945).await, "start a, start b, start c, start b");
}

#[tokio::test(start_paused = true)]
async fn restarts_that_are_long_ago_do_not_count() {
    let host = group(r#""restart": {"max_restarts": 1, "within": "1s"}"#, ["", r#""on_run": "fail 1s""#, ""]);
    host.start().await.expect("started");
    host.within(60_500).await;
    assert_eq!((host.state("g").as_str(), host.state("b").as_str()), ("running 0", "running 60"));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_cannot_start_again_is_tried_as_often_as_restarts_are_allowed() {
    let member = r#""on_run": "fail 10ms, on", "on_start": "ok, fail, fail, ok""#;
    let host = group("", ["", member, ""]);
    host.start().await.expect("started");
    assert_eq!(host.within(20).await, "start b, start b, start b");
    assert_eq!((host.state("g").as_str(), host.state("b").as_str()), ("running 0", "running 3"));
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_member_cannot_start_does_not_start() {
    let host = group("", ["", r#""on_start": "not found""#, ""]);
    let failure = host.start().await.expect_err("b cannot start");
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, "app:b: start b found nothing"));
    assert_eq!(host.log(), "start a, start b, stop a, stopped a");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_starts_or_restarts_can_be_stopped() {
    let host = group("", ["", r#""on_run": "fail 10ms", "on_start": "ok, hang""#, ""]);
    host.start().await.expect("started");
    assert_eq!(host.within(20).await, "start b");
    assert_eq!(host.stop().await, "stop c, stopped c, stop b, stopped b, stop a, stopped a");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_takes_too_long_to_stop_is_ended() {
    let hangs = r#""on_stop": "hang", "lifecycle": {"stop_timeout": "1m"}"#;
    let host = group("", [hangs, hangs, ""]);
    host.start().await.expect("started");
    assert_eq!(host.stop().await, "stop c, stopped c, stop b, terminate a, terminate b, terminate c");
    assert_eq!(host.state("b"), "stopped 0, not wanted");
}

#[tokio::test(start_paused = true)]
async fn groups_are_members_of_groups() {
    let host = Started::of(&[
        (
            "outer",
            "service.group",
            r#"{"services": ["x", "inner"], "strategy": "one_for_all", "lifecycle": {"auto_start": true}}"#,
        ),
        ("inner", "service.group", r#"{"services": ["y"], "restart": {"max_restarts": 0}}"#),
        ("x", "service", "{}"),
        ("y", "service", &format!("{{{FAILS}}}")),
    ]);
    assert_eq!(host.start().await.as_deref(), Ok("start x, start y"));
    assert_eq!(host.within(20).await, "stop x, stopped x, start x, start y");
    assert_eq!((host.state("outer").as_str(), host.state("inner").as_str()), ("running 0", "running 1"));
}

#[tokio::test(start_paused = true)]
async fn what_requires_a_member_starts_after_the_group_and_what_a_member_requires_before() {
    let group = r#"{"services": ["m"], "lifecycle": {"auto_start": true}}"#;
    let requires = |id: &str| format!(r#"{{"lifecycle": {{"auto_start": true, "requires": ["{id}"]}}}}"#);
    let (first, last) = (requires("before"), requires("m"));
    let host = Started::of(&[
        ("a_last", "service", &last),
        ("before", "service", "{}"),
        ("g", "service.group", group),
        ("m", "service", &first),
    ]);
    assert_eq!(host.start().await.as_deref(), Ok("start before, start m, start a_last"));
    assert_eq!(
        host.stop().await,
        "stop a_last, stopped a_last, stop m, stopped m, stop before, stopped before"
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_member_starts_its_group_anew() {
    let host = group("", ["", "", ""]);
    host.start().await.expect("started");
    host.app.update(("b", "service", r#"{"text": "new"}"#));
    assert_eq!(
        host.reconcile().await,
        "stop c, stopped c, stop b, stopped b, stop a, stopped a, start a, start b, start c"
    );
}

#[tokio::test]
async fn groups_that_cannot_be_are_refused() {
    let member = ("m", "service", "{}");
    let needy = ("n", "service", r#"{"uses": ["m"]}"#);
    let auto = |services: &str| format!(r#"{{"services": {services}, "lifecycle": {{"auto_start": true}}}}"#);
    let (m, twice, wrong, itself, thing) = (
        auto(r#"["m"]"#),
        auto(r#"["m", "app:m"]"#),
        auto(r#"["n", "m"]"#),
        auto(r#"["g"]"#),
        auto(r#"["t"]"#),
    );
    let g = |data| -> Definition<'_> { ("g", "service.group", data) };
    for (entries, message) in [
        (vec![g(&m), ("h", "service.group", m.as_str()), member], "app:m is a member of app:g and of app:h"),
        (vec![g(&twice), member], "app:g lists app:m twice"),
        (vec![g(&wrong), member, needy], "app:g must list app:m before app:n, which needs it"),
        (vec![g(&itself)], "app:g: entries need each other: app:g → app:g"),
        (vec![g(&thing), ("t", "thing", "{}")], "app:g: app:t is no service: it does not run by itself"),
    ] {
        let failure = Started::of(&entries).start().await.expect_err(message);
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Invalid, message));
    }
}

#[test]
fn a_group_without_members_is_refused_at_load() {
    for (data, code) in [(r#"{"services": []}"#, "E205"), ("{}", "E202")] {
        let report = App::load(&[("g", "service.group", data)]).err().expect("refused");
        assert!(report.to_string().contains(code), "{report}");
    }
}

/// What a group does when the one at a position fails: a model of it. Members with `never` stay down once they are.
fn modelled(strategy: Strategy, never: &[bool], runs: &mut [bool], failed: usize) -> String {
    let mut log = Vec::new();
    runs[failed] = false;
    if !never[failed] {
        let affected = match strategy {
            Strategy::OneForOne => failed..failed + 1,
            Strategy::OneForAll => 0..runs.len(),
            Strategy::RestForOne => failed..runs.len(),
        };
        for member in affected.clone().rev().filter(|member| runs[*member]) {
            log.extend([format!("stop m{member}"), format!("stopped m{member}")]);
        }
        for member in affected {
            runs[member] = !never[member];
            log.extend(runs[member].then(|| format!("start m{member}")));
        }
    }
    log.join(", ")
}

async fn follows_the_model(strategy: Strategy, never: &[bool], failing: Vec<usize>) {
    let name = match strategy {
        Strategy::OneForOne => "one_for_one",
        Strategy::OneForAll => "one_for_all",
        Strategy::RestForOne => "rest_for_one",
    };
    let members: Vec<String> = (0..never.len()).map(|member| format!("m{member}")).collect();
    let group = format!(
        r#"{{"services": {members:?}, "strategy": "{name}", "restart": {{"max_restarts": 1000}}, "lifecycle": {{"auto_start": true}}}}"#
    );
    let policy = |never: &bool| if *never { "never" } else { "on_failure" };
    let data: Vec<String> = never
        .iter()
        .map(|never| {
            format!(
                r#"{{"on_run": "until told", "lifecycle": {{"restart": {{"policy": "{}"}}}}}}"#,
                policy(never)
            )
        })
        .collect();
    let mut entries: Vec<Definition<'_>> = vec![("g", "service.group", group.as_str())];
    entries.extend(members.iter().zip(&data).map(|(name, data)| (name.as_str(), "service", data.as_str())));
    let host = Started::of(&entries);
    host.start().await.expect("started");
    let mut runs = vec![true; never.len()];
    for failed in failing {
        let failed = failed % never.len();
        if runs[failed] {
            host.app.shared::<Failing>().of(&members[failed]).notify_one();
            assert_eq!(
                host.settle().await,
                modelled(strategy, never, &mut runs, failed),
                "{members:?} {failed}"
            );
        }
    }
    let stopped = (0..never.len()).rev().filter(|member| runs[*member]);
    let stopped: Vec<String> = stopped.map(|member| format!("stop m{member}, stopped m{member}")).collect();
    assert_eq!(host.stop().await, stopped.join(", "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_failures_in_any_group_are_mended_as_the_model_says(
        strategy in prop::sample::select(vec![Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne]),
        never in proptest::collection::vec(prop::bool::weighted(0.2), 1..6),
        failing in proptest::collection::vec(0_usize..6, 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(follows_the_model(strategy, &never, failing));
    }
}

proptest! {
    #[test]
    fn no_time_sees_more_restarts_than_allowed(
        steps in proptest::collection::vec(0_u64..400, 1..100), most in 0_u32..6, within in 1_u64..1_000,
    ) {
        let intensity = Intensity { max_restarts: most, within: Duration::from_millis(within) };
        let (mut recent, mut now, mut happened) = (Recent::default(), 0, Vec::new());
        for step in steps {
            now += step;
            let counted = happened.iter().filter(|then| now - **then < within).count();
            let allowed = recent.allows(&intensity, Duration::from_millis(now));
            prop_assert_eq!(allowed, counted < most as usize);
            if allowed {
                happened.push(now);
            }
        }
    }

    #[test]
    fn those_affected_hold_the_one_that_ended(members in 1_usize..50, ended in any::<prop::sample::Index>()) {
        let ended = ended.index(members);
        let affected = |strategy: Strategy| strategy.affected(ended, members);
        prop_assert_eq!(affected(Strategy::OneForOne), ended..ended + 1);
        prop_assert_eq!(affected(Strategy::OneForAll), 0..members);
        prop_assert_eq!(affected(Strategy::RestForOne), ended..members);
    }
}
