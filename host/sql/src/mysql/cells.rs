//! Columns as values.

use crate::moment;
use crate::rows::Encoder;
use mysql_async::consts::ColumnType;
use mysql_async::{Row, Value};
use perilune_time::Fields;

/// Writes a row.
pub(super) fn encode(encoder: &mut Encoder<'_>, row: Row) {
    let columns = row.columns();
    for (value, column) in row.unwrap_raw().into_iter().zip(columns.iter()) {
        match value {
            None | Some(Value::NULL) => encoder.null(),
            Some(Value::Int(value)) => encoder.integer(value),
            Some(Value::UInt(value)) => match i64::try_from(value) {
                Ok(value) => encoder.integer(value),
                // Lua's integers end before: the digits, as for exact numbers.
                Err(_) => encoder.text(value.to_string().as_bytes()),
            },
            Some(Value::Float(value)) => encoder.float(value.into()),
            Some(Value::Double(value)) => encoder.float(value),
            Some(Value::Date(year, month, day, hour, minute, second, micros)) => {
                encoder.text(date(year, [month, day, hour, minute, second], micros).as_bytes());
            }
            Some(Value::Time(is_negative, days, hours, minutes, seconds, micros)) => {
                let hours = i64::from(days) * 24 + i64::from(hours);
                let seconds = (hours * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
                let span = seconds * 1_000_000 + i64::from(micros);
                encoder.text(moment::clock(if is_negative { -span } else { span }).as_bytes());
            }
            Some(Value::Bytes(bytes)) => match (column.column_type(), bits(&bytes)) {
                (ColumnType::MYSQL_TYPE_BIT, Some(bits)) => encoder.integer(bits),
                _ => encoder.text(&bytes),
            },
        }
    }
}

/// An instant, or what was written where there is none: MySQL has days and months with the number 0.
fn date(year: u16, [month, day, hour, minute, second]: [u8; 5], micros: u32) -> String {
    let fields = Fields {
        year: year.into(),
        month: month.into(),
        day: day.into(),
        hour: hour.into(),
        minute: minute.into(),
        second: second.into(),
        nanosecond: i64::from(micros) * 1_000,
    };
    let shown = if month == 0 || day == 0 { None } else { moment::from_fields(&fields) };
    shown.unwrap_or_else(|| format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
}

/// A field of bits as the number that they make.
fn bits(bytes: &[u8]) -> Option<i64> {
    let fold = |number: i64, byte: &u8| Some(number.checked_mul(256)? | i64::from(*byte));
    bytes.iter().try_fold(0, fold)
}
