//! The example of a durable workflow, as its reader would try it.

#![cfg(unix)]

mod control_support;
mod support;

use control_support::Operated;

/// Says when the services run.
const READY: &str = "version: '1.0'
namespace: test
entries:
  - {name: main, kind: process.lua, source: 'return function() print(\"ready\") process.events():receive() end', method: main, meta: {command: {name: main}}}
";

fn example() -> Operated {
    let mut app = Operated::of(
        include_str!("../../../examples/refund/_index.yaml"),
        &[
            ("refund.lua", include_str!("../../../examples/refund/refund.lua")),
            ("pay.lua", include_str!("../../../examples/refund/pay.lua")),
            ("ready.yaml", READY),
        ],
    );
    app.start();
    app
}

fn say(app: &Operated, args: &[&str]) -> String {
    let mut all = vec!["workflow"];
    all.extend(args);
    let ended = app.ask(&all);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{args:?}");
    ended.stdout.trim_end().to_owned()
}

#[test]
fn a_refund_waits_for_approval_and_outlives_its_host() {
    let mut app = example();
    assert_eq!(
        say(&app, &["start", "--id", "A-1", "refund:refund", "\"A-1\"", "25000"]),
        "{refund:workflows|A-1}"
    );
    assert_eq!(say(&app, &["query", "A-1", "state"]), "\"waits for approval\"");
    app.kill();
    app.start();
    assert_eq!(say(&app, &["query", "A-1", "state"]), "\"waits for approval\"");
    say(&app, &["signal", "A-1", "decision", "\"yes\""]);
    app.until_done(1);
    let shown = say(&app, &["show", "A-1"]);
    for part in ["attempt=2", "the bank does not answer", "A-1-25000", "refund:refund:23"] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn a_small_refund_is_paid_at_once() {
    let app = example();
    say(&app, &["start", "--id", "A-2", "refund:refund", "\"A-2\"", "900"]);
    app.until_done(1);
    assert!(say(&app, &["show", "A-2"]).contains("A-2-900"));
}
