//! On a machine that other programs keep busy, long calls get their share.

#![cfg(target_os = "linux")]

mod support;

use std::process::{Child, Command, Stdio};
use std::thread::available_parallelism;
use support::App;

/// Half a second of computing. Threads that all others come before would need minutes for it here.
const YAML: &str = "
namespace: app
entries:
  - name: sum
    kind: function.lua
    method: main
    limits: {cpu: 30s, timeout: 2m}
    source: 'return { main = function() local sum = 0 for i = 1, 30000000 do sum = sum + i % 7 end return sum end }'
";

/// A program that computes until this is dropped.
struct Spinning(Child);

impl Spinning {
    fn begin() -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
        Spinning(shell.spawn().expect("a shell starts"))
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it has ended");
    }
}

#[test]
fn a_call_that_computes_ends_beside_other_programs_that_do() {
    let app = App::new(YAML, &[]);
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    let _others: Vec<Spinning> = (0..2 * cores).map(|_| Spinning::begin()).collect();
    let ended = app.run(&["call", "app:sum"]);
    assert_eq!((ended.code, ended.stdout.trim()), (0, "89999997"), "{}", ended.stderr);
}
