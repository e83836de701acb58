//! Calls that somebody listens to, and calls in a cell of their own.

use perilune::{Call, Heard, Listener, Value};
use perilune_tests::App;
use std::sync::{Arc, Mutex};

/// Writes down what it hears.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Listener for Notes {
    fn hear(&self, heard: &Heard<'_>) {
        let Heard { entry, location, level, text } = heard;
        let note = format!("{entry} {location} {} {text}", level.unwrap_or("-"));
        self.0.lock().expect("no test panics while it listens").push(note);
    }
}

fn app() -> App {
    App::entries(&[
        (
            "main",
            "function",
            "modules: [funcs, logger]",
            "return function()\nprint('one', 1)\nrequire('logger'):info('two', {n = 2})\nreturn require('funcs').call('app:other')\nend",
        ),
        ("other", "function", "", "return function()\nprint('three')\nend"),
        (
            "count",
            "function",
            "pool: {type: inline}",
            "local n = 0\nreturn function()\nn = n + 1\nreturn n\nend",
        ),
    ])
}

#[tokio::test]
async fn a_listener_hears_what_a_call_and_those_that_it_makes_print_and_log() {
    let (app, notes) = (app(), Arc::<Notes>::default());
    app.runtime.call_with(Call::new("app:main").heard_by(notes.clone())).await.expect("it succeeds");
    let heard = notes.0.lock().expect("no test panics while it listens").clone();
    assert_eq!(
        heard,
        ["app:main app:main:2 - one 1", "app:main app:main:3 info two n=2", "app:other app:other:2 - three",]
    );
    assert_eq!(app.printed(), Vec::<String>::new(), "the host's output hears nothing of it");
    app.main().await;
    assert_eq!(app.printed(), ["one 1", "three"]);
}

#[tokio::test]
async fn a_call_alone_has_a_fresh_cell_whatever_its_pool_keeps() {
    let app = app();
    let count = |call: Call| app.runtime.call_with(call);
    assert_eq!(count(Call::new("app:count")).await, Ok(Value::from(1)));
    assert_eq!(count(Call::new("app:count").alone()).await, Ok(Value::from(1)));
    assert_eq!(count(Call::new("app:count")).await, Ok(Value::from(2)));
}
