//! The block `pool:`: what is accepted, and what each mistake gets.

use crate::support::{App, id, refusal};
use insta::assert_snapshot;
use perilune_registry::{LuaEntry, PoolSpec, PoolType};

fn entry(pool: &str) -> String {
    format!(
        "namespace: app\nname: handler\nkind: function.lua\nsource: file://main.lua\nmethod: main\npool: {pool}\n"
    )
}

fn decode(pool: &str) -> PoolSpec {
    let app = App::new(&[("app.yaml", &entry(pool)), ("main.lua", "return {}")]);
    LuaEntry::decode(app.load().snapshot().get(&id("app:handler")).unwrap()).unwrap().pool
}

macro_rules! refused {
    ($($name:ident: $pool:literal;)*) => {
        $(#[test] fn $name() { assert_snapshot!(refusal(&entry($pool))); })*
    };
}

refused! {
    unknown_type: "{type: dynamic}";
    unknown_field: "{type: lazy, maxsize: 4}";
    no_map: "lazy";
    negative_numbers: "{size: -1, workers: -1, buffer: -5, max_size: -16}";
    zero_where_there_must_be_one: "{buffer: 0, max_size: 0}";
    a_milliard_workers: "{type: static, size: 1000000000}";
    a_milliard_everywhere: "{workers: 1000000000, max_size: 1000000000, buffer: 1000000000}";
    fractions: "{size: 1.5, buffer: 0.5, max_size: 2.5}";
    numbers_as_text: "{size: \"4\", warm_start: \"true\"}";
    static_without_workers: "{type: static, size: 0}";
    adaptive_without_workers: "{workers: 0}";
    size_above_max_size: "{type: lazy, size: 9, max_size: 8}";
    size_above_the_default_of_max_size: "{size: 17}";
    size_and_workers_disagree: "{size: 4, workers: 8}";
    inline_with_two_workers: "{type: inline, size: 2}";
    inline_without_workers: "{type: inline, workers: 0}";
    inline_with_fields_of_others: "{type: inline, buffer: 8, max_size: 4, idle_timeout: 1s}";
    static_with_fields_of_others: "{type: static, max_size: 4, idle_timeout: 1s}";
    lazy_with_a_buffer: "{type: lazy, buffer: 8}";
    idle_timeout_of_nothing: "{idle_timeout: 0s}";
    idle_timeout_below_nothing: "{idle_timeout: -1s}";
    idle_timeout_without_a_unit: "{idle_timeout: \"30\"}";
    idle_timeout_as_a_number: "{idle_timeout: 30}";
    idle_timeout_of_years: "{idle_timeout: 2y}";
    several_at_once: "{type: static, size: 0, workers: 3, max_size: 4}";
}

#[test]
fn each_type_has_its_fields() {
    for (pool, kind, size) in [
        ("{type: inline}", PoolType::Inline, None),
        ("{type: inline, size: 1, warm_start: true}", PoolType::Inline, Some(1)),
        ("{type: lazy, size: 0, max_size: 4, idle_timeout: 5s}", PoolType::Lazy, Some(0)),
        ("{type: lazy, size: 4, max_size: 4, warm_start: true}", PoolType::Lazy, Some(4)),
        ("{type: static, size: 10000, buffer: 1000000}", PoolType::Static, Some(10_000)),
        ("{type: static, workers: 3, size: 3}", PoolType::Static, Some(3)),
        ("{type: adaptive, size: 20, max_size: 20, buffer: 1}", PoolType::Adaptive, Some(20)),
        ("{workers: 4}", PoolType::Adaptive, Some(4)),
        ("{}", PoolType::Adaptive, None),
    ] {
        let spec = decode(pool);
        assert_eq!((spec.kind, spec.size), (kind, size), "{pool}");
    }
}
