//! A program that knows nothing of who runs it: a JSON array comes in, JSON goes out.

use std::io::{self, Read};
use std::{env, fs, process};

fn main() {
    let mut text = String::new();
    if io::stdin().read_to_string(&mut text).is_err() {
        process::exit(1);
    }
    let path = text.trim().trim_matches(['[', ']', '"']);
    if path.is_empty() {
        eprintln!("name a file");
        process::exit(1);
    }
    let words = fs::read_to_string(path).map_or(-1, |text| text.split_whitespace().count() as i64);
    println!("{{\"words\": {words}, \"variables\": {}, \"arguments\": {}}}", env::vars().count(), env::args().count());
}
