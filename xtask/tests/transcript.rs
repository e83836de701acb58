//! Transcripts: Markdown whose console blocks are run and compared.

use xtask::transcript::{Outcome, Part, Program, Step, Transcript};

/// A transcript with one console block.
fn block(lines: &str) -> String {
    format!("# Title\n\n```console\n{lines}\n```\n")
}

fn steps(text: &str) -> Vec<Step> {
    let parts = Transcript::parse(text).expect("the text is a transcript").parts;
    parts.into_iter().filter_map(|part| if let Part::Step(step) = part { Some(step) } else { None }).collect()
}

fn outcome(status: i32, lines: &[&str]) -> Outcome {
    Outcome { status, lines: lines.iter().map(|line| (*line).to_owned()).collect() }
}

#[test]
fn a_step_has_a_line_arguments_an_exit_code_and_output() {
    let text = block("$ perilune call app:add '[1, 2]' x\n? 3\none\n\ntwo\n\n$ perilune --version");
    let steps = steps(&text);
    assert_eq!(steps[0].line, 4);
    assert_eq!(steps[0].args, ["call", "app:add", "[1, 2]", "x"]);
    assert_eq!(steps[0].expected, outcome(3, &["one", "", "two"]));
    assert_eq!(steps[1].line, 10);
    assert_eq!(steps[1].expected, outcome(0, &[]));
}

#[test]
fn blocks_of_other_languages_are_prose() {
    let text = "```sh\n$ cargo xtask demo\n```\n```lua\nprint(1)\n```\n";
    assert_eq!(steps(text), []);
}

#[test]
fn writing_gives_what_was_read() {
    let text = format!("{}\nmore\n", block("$ perilune a\nout\n\n$ perilune b\n? 1\n$ perilune c"));
    assert_eq!(Transcript::parse(&text).unwrap().to_string(), text);
}

#[test]
fn what_cannot_be_run_is_refused_with_its_line() {
    let cases = [
        (
            block("$ rm -r /"),
            "line 4: `rm -r /` is no `perilune …`, `curl …` or `kill %1`; put steps for other programs into a block of language `sh`",
        ),
        (block("$ perilune 'open"), "line 4: `perilune 'open` cannot be read: missing closing quote"),
        (block("output"), "line 4: a console block begins with a command, `$ perilune …`"),
        (
            "a\n```console\n".to_owned(),
            "line 2: this block is never closed; close it with a line of three backquotes",
        ),
    ];
    for (text, expected) in cases {
        let refusal = Transcript::parse(&text).unwrap_err();
        assert_eq!(format!("{refusal:#}"), expected);
    }
}

#[test]
fn output_matches_word_for_word_save_for_wildcards() {
    let cases: [(&str, &[&str], bool); 11] = [
        ("", &[], true),
        ("", &["x"], false),
        ("a\nb", &["a", "b"], true),
        ("a", &["a", "b"], false),
        ("a\nb", &["a"], false),
        ("took [..] ms", &["took 12 ms"], true),
        ("took [..] ms", &["took 12 s"], false),
        ("[..]é[..]", &["né!"], true),
        ("...", &[], true),
        ("a\n...\nz", &["a", "m", "n", "z"], true),
        ("a\n...\nz", &["a", "m"], false),
    ];
    for (recorded, printed, expected) in cases {
        let step = &steps(&block(&format!("$ perilune x\n{recorded}")))[0];
        assert_eq!(step.matches(&outcome(0, printed)), expected, "{recorded:?} against {printed:?}");
    }
}

#[test]
fn another_exit_code_is_a_difference() {
    let step = &steps(&block("$ perilune x\n? 1"))[0];
    assert!(step.matches(&outcome(1, &[])));
    assert!(!step.matches(&outcome(0, &[])));
}

#[test]
fn a_recorded_outcome_is_written_and_then_matches() {
    let mut step = steps(&block("$ perilune x\nold")).remove(0);
    let printed = outcome(2, &["new"]);
    assert!(!step.matches(&printed));
    step.record(printed.clone());
    assert!(step.matches(&printed));
    let transcript = Transcript { parts: vec![Part::Step(step)] };
    assert_eq!(transcript.to_string(), "$ perilune x\n? 2\nnew\n");
}

#[test]
fn a_block_whose_first_line_is_a_path_is_that_file() {
    let file = |first: &str| {
        let text = format!("```yaml\n{first}\nrest\n```\n");
        let page = Transcript::parse(&text).unwrap();
        assert_eq!(page.to_string(), text);
        page.blocks().next().unwrap().file().map(str::to_owned)
    };
    for (line, path) in [
        ("# app.yaml", "app.yaml"),
        ("-- lib/a.lua", "lib/a.lua"),
        ("<!-- public/index.html -->", "public/index.html"),
    ] {
        assert_eq!(file(line).as_deref(), Some(path));
    }
    for line in
        ["# app.yaml, shortened", "# word", "-- ../up.lua", "# /etc/x.conf", "# .hidden", "app.yaml", ""]
    {
        assert_eq!(file(line), None, "{line}");
    }
}

#[test]
fn a_step_in_the_background_is_no_argument() {
    let steps = steps(&block("$ perilune run &\nready\n$ kill %1"));
    assert_eq!((steps[0].program, steps[0].args.len()), (Program::Background, 1));
    assert_eq!(steps[1].program, Program::Kill);
}
