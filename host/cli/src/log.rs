//! Log records, on stderr.

use crate::bar;
use crate::output;
use crate::terminal;
use perilune_settings::LogFormat;
use serde_json::{Map, Value};
use std::fmt;
use std::io::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Shows the records that the filter chooses. A process that has the terminal may hide them unless somebody asked for them.
pub(crate) fn start(filter: EnvFilter, may_hide: bool, format: LogFormat) {
    let writer = move || -> Box<dyn Write> {
        match may_hide && terminal::hides_logs() {
            true => Box::new(io::sink()),
            false => Box::new(Records),
        }
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match format {
        LogFormat::Text => log.with_ansi(output::color()).init(),
        LogFormat::Json => log.event_format(Json).init(),
    }
}

/// Where records go. Each is written at one go.
struct Records;

impl Write for Records {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        bar::above(|| io::stderr().write(record))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A record as one line of JSON: `time`, `level`, `target`, `message`, and its other fields.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut record = Map::new();
        record.insert("time".to_owned(), jiff::Timestamp::now().to_string().into());
        record.insert("level".to_owned(), event.metadata().level().as_str().to_lowercase().into());
        record.insert("target".to_owned(), event.metadata().target().into());
        // Fields of entries cannot pretend to be those above.
        for (name, value) in fields.0 {
            let taken = record.contains_key(&name);
            record.insert(if taken { format!("field.{name}") } else { name }, value);
        }
        writeln!(writer, "{}", Value::Object(record))
    }
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
