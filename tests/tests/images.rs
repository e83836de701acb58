//! Images that an earlier start has written: an entry that has one need not be loaded again.

use perilune::{EntryId, Images, Limits, Value};
use perilune_tests::App;
use std::collections::BTreeMap;

const ENTRIES: &[(&str, &str, &str, &str)] = &[
    (
        "words",
        "library",
        "",
        "print('loading words') return { join = function(a, b) return a .. ' ' .. b end }",
    ),
    (
        "main",
        "function",
        "imports: {words: app:words}",
        "print('loading main') local words = require('words') local n = 0
        return { main = function(name) n = n + 1 return words.join('hello', name) .. n end }",
    ),
    (
        "clock",
        "function",
        "modules: [time]",
        "local at = require('time').now() return { main = function() return at ~= nil end }",
    ),
    ("actor", "process", "", "return { main = function() return 'lived' end }"),
];

struct Written(BTreeMap<String, Vec<u8>>);

impl Images for Written {
    fn image(&self, id: &EntryId) -> Option<Vec<u8>> {
        self.0.get(&id.to_string()).cloned()
    }
}

async fn image(app: &App, id: &str) -> Vec<u8> {
    app.runtime.image(&EntryId::parse(id).expect("an id")).await.expect("the entry loads")
}

async fn all() -> BTreeMap<String, Vec<u8>> {
    let app = App::entries(ENTRIES);
    let mut images = BTreeMap::new();
    for id in ["app:main", "app:clock", "app:actor"] {
        images.insert(id.to_owned(), image(&app, id).await);
    }
    images
}

async fn with(images: BTreeMap<String, Vec<u8>>) -> App {
    App::entries_with(ENTRIES, |builder| builder.images(Written(images)))
}

#[tokio::test]
async fn an_entry_with_an_image_is_not_loaded_again() {
    let app = with(all().await).await;
    for _ in 0..3 {
        let answer = app.call("app:main", &["you".into()]).await.expect("it runs");
        assert_eq!(answer, Value::from("hello you1"), "each call begins with clean memory");
    }
    assert!(app.printed().is_empty(), "nothing was loaded: {:?}", app.printed());
    assert_eq!(
        app.call("app:clock", &[]).await.expect("what asks for the time loads in each call"),
        Value::Bool(true)
    );
    assert_eq!(app.call("app:actor", &[]).await.expect("it runs"), Value::from("lived"));
}

#[tokio::test]
async fn equal_entries_have_equal_images() {
    assert!(all().await == all().await);
}

#[tokio::test]
async fn an_image_of_other_code_is_passed_over() {
    let mut images = all().await;
    let other = images["app:actor"].clone();
    images.insert("app:main".to_owned(), other);
    let app = with(images).await;
    assert_eq!(app.call("app:main", &["you".into()]).await.expect("it runs"), Value::from("hello you1"));
    assert_eq!(app.printed(), ["loading words", "loading main"]);
}

/// A forged image has the right fingerprint: whoever packs knows it.
#[tokio::test]
async fn a_forged_image_reaches_its_own_cells_alone() {
    const FINGERPRINT: usize = 32;
    let genuine = all().await;
    let image = &genuine["app:main"];
    let mut forged: Vec<Vec<u8>> =
        (FINGERPRINT..image.len()).step_by(97).map(|end| image[..end].to_vec()).collect();
    for at in (FINGERPRINT..image.len()).step_by(61).chain(FINGERPRINT..FINGERPRINT + 64) {
        for value in [0x00, 0x7f, 0xff] {
            let mut bytes = image.clone();
            bytes[at] = value;
            forged.push(bytes);
        }
    }
    forged.push([image.as_slice(), &[0]].concat());
    let limits = Limits { cpu: std::time::Duration::from_millis(50), ..Limits::DEFAULT };
    for (number, bytes) in forged.into_iter().enumerate().step_by(3) {
        let mut images = genuine.clone();
        images.insert("app:main".to_owned(), bytes);
        let app = App::entries_with(ENTRIES, |builder| builder.images(Written(images)).limits(limits));
        // Whatever it does.
        let _ = app.call("app:main", &["you".into()]).await;
        let neighbour = app.call("app:actor", &[]).await;
        assert_eq!(neighbour.expect("the neighbour notices nothing"), Value::from("lived"), "image {number}");
    }
}
