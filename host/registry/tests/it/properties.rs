//! What holds for any input.

use crate::support::{App, data, id, registry, rules};
use perilune_registry::{Baseline, Entry, EntryId, Operation, Registry, build_delta};
use perilune_value::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Text that looks like YAML or JSON often enough to reach every part of the loader.
fn nearly() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("namespace"),
        Just("entries"),
        Just("name"),
        Just("kind"),
        Just("meta"),
        Just("data"),
        Just("source"),
        Just("function.lua"),
        Just("registry.entry"),
        Just("imports"),
        Just("modules"),
        Just("pool"),
        Just("app:x"),
        Just("file://x"),
        Just("é"),
        Just("\u{feff}"),
        Just("1"),
        Just("0x1"),
        Just("~"),
        Just("\"q\""),
        Just("'s'"),
        Just(": "),
        Just("- "),
        Just("\n"),
        Just("\n  "),
        Just("\n    "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just("&a "),
        Just("*a "),
        Just("<<"),
        Just("!t "),
        Just("!!str "),
        Just("# c\n"),
        Just("|\n"),
        Just(">-\n"),
        Just("---\n"),
        Just("...\n"),
        Just("%YAML 1.2\n"),
        Just("? "),
        Just("\t"),
        Just("\r\n"),
        Just("\0"),
    ];
    proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

/// Loads bytes as a YAML and as a JSON file and renders what is wrong; whatever happens, it ends.
fn load(bytes: &[u8]) {
    for name in ["a.yaml", "a.json"] {
        let app = App::new(&[]);
        app.write(name, bytes);
        if let Err(report) = Registry::load(app.path(), rules()) {
            assert!(!report.render(true).is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_the_loader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        load(&bytes);
    }

    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC{0,100}") {
        load(text.as_bytes());
    }

    #[test]
    fn no_near_miss_makes_the_loader_panic(text in nearly()) {
        load(text.as_bytes());
    }

    #[test]
    fn no_broken_entry_file_makes_the_loader_panic(text in nearly()) {
        load(format!("namespace: app\nentries:\n- name: x\n  kind: function.lua\n  {text}").as_bytes());
    }

    #[test]
    fn no_bytes_as_a_source_make_the_loader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let app = App::new(&[("a.yaml", "namespace: app\nname: x\nkind: library.lua\nsource: file://x.lua\n")]);
        app.write("x.lua", &bytes);
        if let Err(report) = Registry::load(app.path(), rules()) {
            prop_assert!(report.render(false).contains("app:x"));
        }
    }

    #[test]
    fn an_id_that_can_be_made_reads_back(namespace in "\\PC{0,10}", name in "\\PC{0,10}") {
        if let Ok(id) = EntryId::new(&namespace, &name) {
            prop_assert_eq!(EntryId::parse(&id.to_string()), Ok(id));
        }
    }

    #[test]
    fn an_id_that_can_be_read_shows_as_it_was_written(text in "\\PC{0,20}") {
        if let Ok(id) = EntryId::parse(&text) {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn any_json_data_reads_the_same_as_yaml_and_as_json(value in json()) {
        // Every JSON text is a YAML text.
        let text = format!(r#"{{"namespace": "a", "name": "x", "kind": "registry.entry", "data": {value}}}"#);
        let read = |name: &str| {
            let app = App::new(&[(name, &text)]);
            app.load().snapshot().get(&id("a:x")).map(|entry| Entry::clone(entry))
        };
        prop_assert_eq!(read("a.yaml"), read("a.json"));
    }

    #[test]
    fn changes_do_what_they_do_to_a_map(changes in changes()) {
        let registry = registry([data("app:n0", 0), data("app:n1", 0)]);
        let mut model = BTreeMap::from([(0, 0), (1, 0)]);
        let mut states = vec![model.clone()];
        for change in changes {
            let operations: Vec<Operation> = change.iter().map(|step| step.operation()).collect();
            let mut next = model.clone();
            let possible = change.iter().all(|step| step.perform(&mut next)) && !change.is_empty();
            prop_assert_eq!(registry.apply(&operations, None).is_ok(), possible);
            if possible {
                model = next;
                states.push(model.clone());
            }
            prop_assert_eq!(contents(&registry.snapshot()), model.clone());
        }
        for (version, state) in registry.versions().iter().zip(&states) {
            prop_assert_eq!(contents(&registry.snapshot_at(version.id).unwrap()), state.clone());
        }
        prop_assert_eq!(registry.versions().len(), states.len());
    }

    #[test]
    fn a_delta_leads_from_any_state_to_any_other(from in state(), to in state()) {
        let entries = |state: &BTreeMap<u8, i64>| -> Vec<Arc<Entry>> {
            state.iter().map(|(n, value)| Arc::new(data(&format!("app:n{n}"), *value))).collect()
        };
        let mut baseline = Baseline::new();
        entries(&from).into_iter().for_each(|entry| { baseline.add(Entry::clone(&entry)); });
        let registry = Registry::new(baseline, rules()).unwrap();
        let operations = build_delta(&entries(&from), &entries(&to));
        prop_assert_eq!(operations.is_empty(), from == to);
        if !operations.is_empty() {
            registry.apply(&operations, None).unwrap();
        }
        prop_assert_eq!(contents(&registry.snapshot()), to);
    }
}

/// JSON text of any shape, with a map at the top.
fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        (-1e9..1e9f64).prop_map(|n| format!("{n:?}")),
        "[a-zé :#&*!|>'-]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ];
    scalar
        .prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[{}]", items.join(", "))),
                proptest::collection::btree_map("[a-z]{1,5}", inner, 0..5).prop_map(|pairs| {
                    let pairs: Vec<String> =
                        pairs.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                    format!("{{{}}}", pairs.join(", "))
                }),
            ]
        })
        .prop_map(|value| format!("{{\"value\": {value}}}"))
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Create(u8, i64),
    Update(u8, i64),
    Delete(u8),
}

impl Step {
    fn operation(self) -> Operation {
        let entry = |n: u8, value| Arc::new(data(&format!("app:n{n}"), value));
        match self {
            Step::Create(n, value) => Operation::Create(entry(n, value)),
            Step::Update(n, value) => Operation::Update(entry(n, value)),
            Step::Delete(n) => Operation::Delete(id(&format!("app:n{n}"))),
        }
    }

    fn perform(self, model: &mut BTreeMap<u8, i64>) -> bool {
        match self {
            Step::Create(n, value) => model.insert(n, value).is_none(),
            Step::Update(n, value) => model.insert(n, value).is_some(),
            Step::Delete(n) => model.remove(&n).is_some(),
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = prop_oneof![
        (0..4u8, 0..9i64).prop_map(|(n, value)| Step::Create(n, value)),
        (0..4u8, 0..9i64).prop_map(|(n, value)| Step::Update(n, value)),
        (0..4u8).prop_map(Step::Delete),
    ];
    proptest::collection::vec(proptest::collection::vec(step, 0..4), 0..12)
}

fn state() -> impl Strategy<Value = BTreeMap<u8, i64>> {
    proptest::collection::btree_map(0..6u8, 0..3i64, 0..6)
}

fn contents(snapshot: &perilune_registry::Snapshot) -> BTreeMap<u8, i64> {
    let number = |entry: &Entry| entry.id().name().trim_start_matches('n').parse().unwrap();
    let value = |entry: &Entry| entry.data().get("value").and_then(Value::as_integer).unwrap();
    snapshot.entries().map(|entry| (number(entry), value(entry))).collect()
}
