//! What the page about the session shows is what the session does.

mod support;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use support::{ended, program};

/// A session of the page: arguments, what is typed, and what is shown besides.
struct Shown {
    args: Vec<String>,
    input: String,
    output: Vec<String>,
}

fn sessions(page: &str) -> Vec<Shown> {
    let blocks = page.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(session).collect()
}

fn session(block: &str) -> Shown {
    let mut shown = Shown { args: vec!["repl".to_owned()], input: String::new(), output: Vec::new() };
    for line in block.lines() {
        if let Some(input) = line.strip_prefix("> ") {
            shown.input += &format!("{input}\n");
        } else if let Some(echoed) = line.strip_prefix("$ echo '") {
            shown.input = echoed.split('\'').next().unwrap_or_default().to_owned();
        } else if let Some(args) = line.strip_prefix("$ perilune ") {
            shown.args = args.split(' ').map(str::to_owned).collect();
        // A script ends with its first error; only a session at a terminal goes on.
        } else if !line.starts_with("the session goes on") {
            shown.output.push(line.to_owned());
        }
    }
    shown
}

#[test]
fn sessions_on_the_page_are_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/repl.md")).expect("the page is there");
    let sessions = sessions(&page);
    assert!(sessions.len() >= 3, "the page shows sessions");
    for Shown { args, input, output } in sessions {
        let mut command = program();
        command.args(&args).current_dir(&root).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        let ended = ended(child.wait_with_output().expect("it ends"));
        let printed: Vec<String> =
            ended.stdout.lines().chain(ended.stderr.lines()).map(str::to_owned).collect();
        // A terminal names the session where a script is named by its line.
        let plain = |lines: &[String]| lines.join("\n").replace("error: stdin:1:", "error: session:").replace("error: session: ", "error: ");
        assert!(
            plain(&printed).starts_with(plain(&output).lines().next().unwrap_or_default()),
            "{input}\nshown: {output:#?}\nprinted: {printed:#?}"
        );
        assert_eq!(printed.len(), output.len(), "{input}\nshown: {output:#?}\nprinted: {printed:#?}");
    }
}
