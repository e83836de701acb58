//! Module `metrics`: what entries count and measure, for whoever watches the host.

use crate::CallContext;
use crate::bindings::{Answer, answer, metrics as wit};
use perilune_cell::{CellState, Class, Module};
pub use perilune_metrics::Metrics;
use perilune_metrics::{MAX_BYTES, Record};
use perilune_value::{Failure, Value};
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "metrics",
    summary: "Counters, gauges and histograms for whoever watches the host.",
    classes: &[Class::Io, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Records a value of a cell.
fn record(state: &CellState, name: &str, labels: &[u8], record: Record) -> Answer<()> {
    let metrics = CallContext::of(state)?.shared().get::<Metrics>();
    answer((|| {
        if labels.len() > 4 * MAX_BYTES {
            return Err(Failure::invalid(format!("metrics: the labels take more than {MAX_BYTES} bytes")));
        }
        metrics.record(&state.identity.entry, name, &Value::from_msgpack(labels)?, record)
    })())
}

impl wit::Host for CellState {
    fn counter_add(&mut self, name: String, by: f64, labels: Vec<u8>) -> Answer<()> {
        record(self, &name, &labels, Record::Count(by))
    }

    fn gauge_set(&mut self, name: String, to: f64, labels: Vec<u8>) -> Answer<()> {
        record(self, &name, &labels, Record::Set(to))
    }

    fn gauge_add(&mut self, name: String, by: f64, labels: Vec<u8>) -> Answer<()> {
        record(self, &name, &labels, Record::Add(by))
    }

    fn histogram(&mut self, name: String, observed: f64, labels: Vec<u8>) -> Answer<()> {
        record(self, &name, &labels, Record::Observe(observed))
    }
}
