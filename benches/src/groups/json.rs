//! Module `json` in Lua, beside `serde_json` in Rust to and from its tree.

use crate::cells::Cells;
use crate::run::micros;
use crate::{Group, Key, Ratio, Run, Side, Unit};
use anyhow::ensure;
use perilune_value::{Value, args_to_msgpack};
use serde_json::Value as Json;
use std::time::Instant;

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const ENCODE: &str = "json.encode_over_native";
const DECODE: &str = "json.decode_over_native";

const KEYS: &[Key] = &[
    Key::new(ENCODE, Unit::Ratio, "`json.encode` of a table: the larger of the next two").at_most(3.0),
    Key::new(
        "json.encode_1kb_over_native",
        Unit::Ratio,
        "of one order of 1 KB, over `serde_json::to_string`",
    ),
    Key::new("json.encode_1mb_over_native", Unit::Ratio, "of a list of orders of 1 MB in all"),
    Key::new(DECODE, Unit::Ratio, "`json.decode` of a text: the larger of the next two").at_most(3.0),
    Key::new("json.decode_1kb_over_native", Unit::Ratio, "of one order of 1 KB, over `serde_json::from_str`"),
    Key::new("json.decode_1mb_over_native", Unit::Ratio, "of a list of orders of 1 MB in all"),
];

/// Each does its work so often that what the call costs does not count.
const SOURCE: &str = r#"
    local json = require("json")
    local methods = {}
    local text, value

    function methods.prepare(document)
        text, value = document, json.decode(document)
        local written = json.encode(value)
        return json.encode(json.decode(written)) == written
    end

    function methods.encode(times)
        for _ = 1, times do
            json.encode(value)
        end
    end

    function methods.decode(times)
        for _ = 1, times do
            json.decode(text)
        end
    end

    return methods
"#;

/// Bytes of JSON that one sample works on: some 10 ms.
const SAMPLE: usize = 1 << 20;

/// An order as a shop has it: nested lists and maps, texts with and without what must be escaped, integers, floats, nothing.
fn order(number: usize) -> Json {
    let line = |line: usize| {
        serde_json::json!({
            "sku": format!("SKU-{:05}", number * 7 + line),
            "title": format!("Telescope \"Selene\" {line} – 70/700 mm"),
            "count": line + 1,
            "price": 129.95 + line as f64,
            "tags": ["optics", "moon", "sale"],
            "in_stock": line < 2,
        })
    };
    serde_json::json!({
        "id": 1_000_000 + number,
        "uuid": format!("6ba7b810-9dad-11d1-80b4-{number:012x}"),
        "created_at": "2026-11-22T14:06:00Z",
        "customer": {
            "name": "Ann-Kathrin Müller",
            "email": format!("ann{number}@example.com"),
            "address": { "street": "Mare Tranquillitatis 11", "city": "Luna", "zip": "20269", "geo": [0.67409, 23.47298] },
            "vip": false,
            "notes": "Ring twice.\nLeave it with the neighbour if nobody is there, or it rains.",
        },
        "lines": (0..4).map(line).collect::<Vec<_>>(),
        "total": 519.8 + number as f64 / 100.0,
    })
}

fn documents() -> [(&'static str, Json); 2] {
    [("1kb", order(1)), ("1mb", Json::Array((0..850).map(order).collect()))]
}

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let mut worst = [(ENCODE, None::<Ratio>), (DECODE, None)];
    for (size, document) in documents() {
        for (verb, (_, worst)) in ["encode", "decode"].into_iter().zip(&mut worst) {
            let ratio = compare(run, verb, size, &document)?;
            let name = format!("json.{verb}_{size}_over_native");
            run.record(&name, ratio.value, Some(ratio.spread))?;
            *worst = (*worst).filter(|worst| worst.value > ratio.value).or(Some(ratio));
        }
    }
    for (name, ratio) in worst {
        if let Some(ratio) = ratio {
            run.record(name, ratio.value, Some(ratio.spread))?;
        }
    }
    Ok(())
}

fn compare(run: &mut Run, verb: &'static str, size: &str, document: &Json) -> anyhow::Result<Ratio> {
    let text = serde_json::to_string(document)?;
    let times = (SAMPLE / text.len()).max(1);
    let thread = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut cell = thread.block_on(Cells::new(4)?.loaded(SOURCE))?;
    let fine = thread.block_on(cell.run("prepare", &args_to_msgpack(&[text.as_str().into()]), None))?;
    ensure!(Value::from_msgpack(&fine)? == Value::Bool(true), "the document of {size} does not come back");
    let args = args_to_msgpack(&[Value::Integer(times as i64)]);

    let native = || {
        let began = Instant::now();
        for _ in 0..times {
            match verb {
                "encode" => drop(std::hint::black_box(serde_json::to_string(document)?)),
                _ => drop(std::hint::black_box(serde_json::from_str::<Json>(&text)?)),
            }
        }
        Ok(vec![micros(began.elapsed()) / times as f64])
    };
    let ours = || {
        let began = Instant::now();
        thread.block_on(cell.run(verb, &args, None))?;
        Ok(vec![micros(began.elapsed()) / times as f64])
    };
    let [native, ours] = run
        .interleave(&format!("json.{verb}_{size}"), [Side::new("native", native), Side::new("cell", ours)])?;
    Ok(ours.over(&native, 0.5))
}
