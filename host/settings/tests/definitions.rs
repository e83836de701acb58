//! What holds for every definition.

use perilune_settings::{ALL, Commands, Sources, Strict, Type, Value, find, page, resolve};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

#[test]
fn names_are_made_by_one_rule_and_are_unique() {
    let mut seen = BTreeSet::new();
    for definition in ALL {
        assert_eq!(definition.flag(), definition.key.replace(['.', '_'], "-"));
        assert_eq!(
            definition.variable(),
            format!("PERILUNE_{}", definition.flag().replace('-', "_").to_uppercase())
        );
        assert!(seen.insert(definition.flag()), "{} is there twice", definition.key);
        assert!(find(definition.key).is_some());
    }
}

#[test]
fn a_key_is_no_section_of_others() {
    for definition in ALL {
        let inside = format!("{}.", definition.key);
        assert!(!ALL.iter().any(|other| other.key.starts_with(&inside)), "{}", definition.key);
    }
}

#[test]
fn each_says_what_it_does_and_why_its_default_is_what_it_is() {
    for definition in ALL {
        assert!(!definition.doc.is_empty() && !definition.doc.ends_with('.'), "{}", definition.key);
        assert!(!definition.reason.is_empty(), "{}", definition.key);
        assert_eq!(definition.default.is_none(), !definition.otherwise.is_empty(), "{}", definition.key);
        assert_ne!(definition.commands, Commands::Only(&[]), "{}", definition.key);
    }
}

#[test]
fn without_sources_every_setting_has_its_default_within_its_bounds() {
    let resolved = resolve(&Sources::default()).expect("defaults are allowed");
    for setting in resolved.iter() {
        assert_eq!(setting.shown(), setting.definition.default_text());
        assert_eq!(setting.from.to_string(), "default");
    }
    let settings = resolved.settings();
    assert_eq!(settings.limits_memory, 64 << 20);
    assert_eq!(settings.ceiling_timeout, Duration::from_secs(3600));
    assert_eq!((settings.strict, settings.cells_max, settings.allow_net.len()), (Strict::Auto, None, 0));
}

#[test]
fn what_widens_the_reach_of_an_application_is_the_operators() {
    for key in ["allow.net", "allow.env", "allow.dir", "strict", "ceiling.memory", "cache.dir", "control.dir"]
    {
        assert!(find(key).is_some_and(|definition| definition.operator), "{key}");
    }
}

#[test]
fn values_are_shown_as_they_may_be_written() {
    for definition in ALL {
        let ends = match definition.ty {
            Type::Integer { least, most } => vec![Value::Integer(least), Value::Integer(most)],
            Type::Bytes { least, most } => {
                vec![Value::Bytes(least), Value::Bytes(most), Value::Bytes(least + 1)]
            }
            Type::Duration { least, most } => {
                vec![
                    Value::Duration(least),
                    Value::Duration(most),
                    Value::Duration(Duration::from_millis(90_500)),
                ]
            }
            Type::Word(words) => words.iter().map(|word| Value::Word(word.name)).collect(),
            Type::Bool => vec![Value::Bool(true), Value::Bool(false)],
            _ => continue,
        };
        for end in ends {
            // A limit at its most may exceed its ceiling.
            let ceiling = definition.key.replace("limits.", "ceiling.");
            let ceiling = find(&ceiling).expect("every limit has a ceiling");
            let variables = [definition, ceiling].map(|of| (of.variable().into(), end.to_string().into()));
            let resolved = resolve(&Sources { variables: variables.into(), ..Sources::default() });
            let resolved = resolved.unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(resolved.get(definition.key).and_then(|setting| setting.value.clone()), Some(end));
        }
    }
}

#[test]
fn the_page_says_what_is_checked() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page()).expect("the page is written");
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == page(),
        "docs/settings.md is out of date: run `UPDATE_DOCS=1 cargo test -p perilune-settings`"
    );
}
