//! What is recorded, and what is refused.

use perilune_metrics::{Metrics, Record};
use perilune_value::{Kind, Value};

fn labels(labels: &[(&str, &str)]) -> Value {
    labels.iter().map(|(name, value)| (*name, *value)).collect()
}

fn record(metrics: &Metrics, name: &str, what: Record) -> Result<(), Kind> {
    metrics.record("app:main", name, &Value::Nil, what).map_err(|failure| failure.kind)
}

fn lines(metrics: &Metrics, beginning: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        metrics.render().lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn counters_count_gauges_move_and_histograms_sort() {
    let metrics = Metrics::default();
    for step in [1.0, 2.0, 0.0] {
        record(&metrics, "requests", Record::Count(step)).unwrap();
    }
    record(&metrics, "queue", Record::Set(7.5)).unwrap();
    record(&metrics, "queue", Record::Add(-1.0)).unwrap();
    for seconds in [0.004, 0.3, 100.0] {
        record(&metrics, "duration", Record::Observe(seconds)).unwrap();
    }
    assert_eq!(lines(&metrics, "requests"), ["requests 3"]);
    assert_eq!(lines(&metrics, "queue"), ["queue 6.5"]);
    let histogram = lines(&metrics, "duration");
    for line in [
        "duration_bucket{le=\"0.005\"} 1",
        "duration_bucket{le=\"0.5\"} 2",
        "duration_bucket{le=\"+Inf\"} 3",
        "duration_count 3",
        "duration_sum 100.304",
    ] {
        assert!(histogram.iter().any(|found| found == line), "{line} in {histogram:#?}");
    }
    assert_eq!(
        lines(&metrics, "# TYPE"),
        ["# TYPE duration histogram", "# TYPE queue gauge", "# TYPE requests counter"]
    );
}

#[test]
fn labels_make_series_whatever_their_order_and_only_texts_count() {
    let metrics = Metrics::default();
    let count = |labels: Value| metrics.record("app:main", "requests", &labels, Record::Count(1.0)).unwrap();
    count(labels(&[("route", "/"), ("status", "200")]));
    count(labels(&[("status", "200"), ("route", "/")]));
    count(labels(&[("status", "500"), ("route", "/")]));
    count(Value::from_iter([("status", Value::from(200))]));
    assert_eq!(
        lines(&metrics, "requests"),
        ["requests 1", "requests{route=\"/\",status=\"200\"} 2", "requests{route=\"/\",status=\"500\"} 1"]
    );
}

#[test]
fn entries_that_use_the_same_name_share_a_series() {
    let metrics = Metrics::default();
    for entry in ["app:a", "app:b"] {
        metrics.record(entry, "orders", &Value::Nil, Record::Count(1.0)).unwrap();
    }
    assert_eq!(lines(&metrics, "orders"), ["orders 2"]);
}

#[test]
fn names_and_labels_cannot_break_the_format() {
    let metrics = Metrics::default();
    let hostile = "\"} 1\nforged 2\n\\";
    metrics.record("app:main", "a b\nforged 3", &labels(&[("x y", hostile)]), Record::Set(1.0)).unwrap();
    assert!(lines(&metrics, "forged").is_empty(), "{}", metrics.render());
    assert_eq!(lines(&metrics, "a_b_forged_3"), [r#"a_b_forged_3{x_y="\"} 1\nforged 2\n\\"} 1"#]);
    for labels in
        [labels(&[("le", "1")]), labels(&[("__name__", "x")]), labels(&[("a b", "1"), ("a_b", "2")])]
    {
        let failure = metrics.record("app:main", "name", &labels, Record::Set(1.0)).unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid, "{}", failure.message);
    }
}

#[test]
fn values_that_cannot_be_are_invalid() {
    let metrics = Metrics::default();
    for value in [
        Record::Count(-1.0),
        Record::Count(0.5),
        Record::Count(1e300),
        Record::Count(f64::NAN),
        Record::Set(f64::NAN),
        Record::Observe(f64::INFINITY),
    ] {
        assert_eq!(record(&metrics, "name", value), Err(Kind::Invalid), "{value:?}");
    }
    assert_eq!(record(&metrics, "", Record::Set(1.0)), Err(Kind::Invalid));
    assert_eq!(record(&metrics, &"x".repeat(129), Record::Set(1.0)), Err(Kind::Invalid));
    let long = "x".repeat(1024);
    assert_eq!(
        metrics.record("app:main", "name", &labels(&[("a", &long)]), Record::Set(1.0)).unwrap_err().kind,
        Kind::Invalid
    );
}

#[test]
fn a_name_is_one_thing() {
    let metrics = Metrics::default();
    record(&metrics, "name", Record::Count(1.0)).unwrap();
    assert_eq!(record(&metrics, "name", Record::Set(1.0)), Err(Kind::Conflict));
    assert_eq!(record(&metrics, "name", Record::Observe(1.0)), Err(Kind::Conflict));
}

#[test]
fn series_are_bounded_for_an_entry_and_for_the_host() {
    let metrics = Metrics::default();
    let count = |entry: &str, id: usize| {
        let id = format!("{entry} {id}");
        metrics.record(entry, "requests", &labels(&[("id", &id)]), Record::Count(1.0))
    };
    let fill = |entry: &str| (0..).map(|id| count(entry, id)).take_while(Result::is_ok).count();
    assert_eq!(fill("app:first"), 1000);
    let failure = count("app:first", 1000).unwrap_err();
    assert_eq!(failure.kind, Kind::RateLimited);
    assert_eq!(failure.details.as_ref().and_then(|details| details.get("limit")), Some(&"series".into()));
    assert!(failure.message.contains("app:first"), "{}", failure.message);
    // What is there goes on, and others have theirs.
    count("app:first", 999).unwrap();
    assert!((1..10).all(|entry| fill(&format!("app:{entry}")) == 1000));
    assert_eq!(
        count("app:last", 0).unwrap_err().message,
        "metrics: the host has 10000 series; use labels with few values, no ids"
    );
}

/// The recorder alone would keep each of them.
#[test]
fn observations_take_no_memory_while_nobody_looks() {
    let metrics = Metrics::default();
    for _ in 0..10_000 {
        record(&metrics, "duration", Record::Observe(0.1)).unwrap();
    }
    assert!(lines(&metrics, "duration_count").contains(&"duration_count 10000".to_owned()));
}
