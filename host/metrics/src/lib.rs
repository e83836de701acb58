//! Counters, gauges and histograms in the format of Prometheus, as entries and the host's own servers record them.
//!
//! Entries choose names and labels, so the number of series is bounded, for each entry and for all: a label with an id in it would
//! otherwise fill the host's memory, and whoever collects the metrics.
//!
//! ```
//! use perilune_metrics::{Metrics, Record};
//! use perilune_value::Value;
//!
//! let metrics = Metrics::default();
//! metrics.record("app:main", "orders", &Value::from_iter([("shop", "moon")]), Record::Count(1.0))?;
//! assert!(metrics.render().contains("orders{shop=\"moon\"} 1"));
//! # Ok::<(), perilune_value::Failure>(())
//! ```

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use perilune_value::{Failure, Kind, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Series of one entry: a hundred routes with ten statuses.
const MAX_OF_ENTRY: usize = 1_000;
/// Series of a host. With the longest names they take 50 MiB.
const MAX_SERIES: usize = 10_000;
/// Bytes of a name with its labels.
pub const MAX_BYTES: usize = 1 << 10;
/// Bytes of a name alone.
const MAX_NAME: usize = 128;
/// Labels of a series.
const MAX_LABELS: usize = 16;
/// The largest step of a counter: up to here floats are whole numbers exactly.
const MAX_STEP: f64 = 9_007_199_254_740_992.0;

/// Upper bounds of a histogram's buckets, those that Prometheus' own clients begin with: from 5 ms to 10 s.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The recorder keeps each observation until somebody has it sorted into buckets, which is done after so many.
const OBSERVATIONS: u32 = 1024;

const METADATA: Metadata<'static> = Metadata::new("perilune", Level::INFO, None);

/// What all entries of a host have recorded.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    known: Mutex<Known>,
    observations: AtomicU32,
}

#[derive(Default)]
struct Known {
    series: HashMap<Key, Series>,
    /// What each name is.
    names: HashMap<String, &'static str>,
    /// How many series each entry began.
    entries: HashMap<String, usize>,
}

#[derive(Clone)]
enum Series {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

/// Something to record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Record {
    /// Adds a whole number to a counter.
    Count(f64),
    /// Sets a gauge.
    Set(f64),
    /// Adds to a gauge.
    Add(f64),
    /// Adds an observation to a histogram.
    Observe(f64),
}

impl Record {
    fn kind(self) -> &'static str {
        match self {
            Record::Count(_) => "counter",
            Record::Set(_) | Record::Add(_) => "gauge",
            Record::Observe(_) => "histogram",
        }
    }

    fn check(self, name: &str) -> Result<(), Failure> {
        let (Record::Count(value) | Record::Set(value) | Record::Add(value) | Record::Observe(value)) = self;
        let whole = value.fract() == 0.0 && (0.0..=MAX_STEP).contains(&value);
        match self {
            Record::Count(_) if !whole => Err(Failure::invalid(format!(
                "metrics: the counter {name} counts up in whole numbers, not by {value}"
            ))),
            _ if !value.is_finite() => Err(Failure::invalid(format!("metrics: {name} cannot be {value}"))),
            _ => Ok(()),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).expect("invariant: there are buckets");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        Metrics { recorder, handle, known: Mutex::default(), observations: AtomicU32::new(0) }
    }
}

impl Metrics {
    /// Records a value for an entry. Characters of names that Prometheus does not allow become `_`.
    ///
    /// # Errors
    ///
    /// `Invalid` for a value, a name or labels that cannot be; `Conflict` for a name that is already something else; `RateLimited`
    /// when there are too many series.
    pub fn record(&self, entry: &str, name: &str, labels: &Value, record: Record) -> Result<(), Failure> {
        let name = metric_name(name)?;
        record.check(&name)?;
        let key = key(&name, labels)?;
        match (self.series(entry, name, key, record)?, record) {
            // A whole number within the range of integers, see `Record::check`.
            (Series::Counter(counter), Record::Count(by)) => counter.increment(by as u64),
            (Series::Gauge(gauge), Record::Set(to)) => gauge.set(to),
            (Series::Gauge(gauge), Record::Add(by)) => gauge.increment(by),
            (Series::Histogram(histogram), Record::Observe(value)) => {
                histogram.record(value);
                if self.observations.fetch_add(1, Ordering::Relaxed) % OBSERVATIONS == OBSERVATIONS - 1 {
                    self.handle.run_upkeep();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Everything recorded, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    fn series(&self, entry: &str, name: String, key: Key, record: Record) -> Result<Series, Failure> {
        let known = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = record.kind();
        match known.names.get(&name) {
            Some(is) if *is != kind => {
                let message = format!("metrics: {name} is a {is} and cannot be a {kind} as well");
                return Err(Failure::new(Kind::Conflict, message));
            }
            _ => {}
        }
        if let Some(series) = known.series.get(&key) {
            return Ok(series.clone());
        }
        let of_entry = known.entries.get(entry).copied().unwrap_or(0);
        if of_entry >= MAX_OF_ENTRY {
            return Err(too_many(&format!(
                "{entry} has {MAX_OF_ENTRY} series, each name with other labels being one"
            )));
        }
        if known.series.len() >= MAX_SERIES {
            return Err(too_many(&format!("the host has {MAX_SERIES} series")));
        }
        let series = match record {
            Record::Count(_) => Series::Counter(self.recorder.register_counter(&key, &METADATA)),
            Record::Set(_) | Record::Add(_) => Series::Gauge(self.recorder.register_gauge(&key, &METADATA)),
            Record::Observe(_) => Series::Histogram(self.recorder.register_histogram(&key, &METADATA)),
        };
        known.names.insert(name, kind);
        known.entries.insert(entry.to_owned(), of_entry + 1);
        known.series.insert(key, series.clone());
        Ok(series)
    }
}

fn too_many(what: &str) -> Failure {
    let message = format!("metrics: {what}; use labels with few values, no ids");
    Failure::new(Kind::RateLimited, message).with_detail("limit", "series")
}

fn metric_name(name: &str) -> Result<String, Failure> {
    if name.is_empty() || name.len() > MAX_NAME {
        let size = name.len();
        return Err(Failure::invalid(format!("metrics: a name has 1 to {MAX_NAME} bytes, not {size}")));
    }
    Ok(allowed(name, ':'))
}

/// The name with `_` for what is neither letter, digit, `_` nor `also`, nor may stand first.
fn allowed(name: &str, also: char) -> String {
    let fits = |(at, c): (usize, char)| {
        let fits = c.is_ascii_alphabetic() || c == '_' || c == also || (at > 0 && c.is_ascii_digit());
        if fits { c } else { '_' }
    };
    name.chars().enumerate().map(fits).collect()
}

fn key(name: &str, labels: &Value) -> Result<Key, Failure> {
    let fields: &[(Value, Value)] = if let Value::Map(fields) = labels { fields } else { &[] };
    let mut labels = Vec::new();
    for (label, value) in fields {
        let (Some(label), Value::String(value)) = (label.as_str(), value) else { continue };
        let label = allowed(label, '_');
        if label.is_empty() || label == "le" || label.starts_with("__") {
            return Err(Failure::invalid(format!(
                "metrics: {name}: Prometheus keeps the label `{label}` to itself"
            )));
        }
        labels.push((label, String::from_utf8_lossy(value).into_owned()));
    }
    labels.sort();
    let bytes: usize =
        name.len() + labels.iter().map(|(label, value)| label.len() + value.len()).sum::<usize>();
    if labels.len() > MAX_LABELS || bytes > MAX_BYTES {
        let count = labels.len();
        return Err(Failure::invalid(format!(
            "metrics: {name}: {count} labels, {bytes} bytes with the name; {MAX_LABELS} and {MAX_BYTES} are the most"
        )));
    }
    if let Some([(label, _), _]) = labels.array_windows().find(|[(a, _), (b, _)]| a == b) {
        return Err(Failure::invalid(format!("metrics: {name}: the label {label} is there twice")));
    }
    let labels: Vec<Label> = labels.into_iter().map(|(label, value)| Label::new(label, value)).collect();
    Ok(Key::from_parts(name.to_owned(), labels))
}
