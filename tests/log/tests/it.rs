//! What a log keeps.

use perilune_test_log::Log;
use std::thread;

fn place(number: u32) {
    tracing::info!(number, "reached");
}

#[test]
fn what_another_thread_reaches_first_is_kept_all_the_same() {
    let log = Log::keep();
    thread::spawn(|| place(1)).join().expect("logging does not panic");
    place(2);
    assert_eq!(log.records(), ["INFO it: reached number=2"]);
}
