//! What clap and shells learn of settings.

mod support;

use insta::assert_snapshot;
use perilune_settings::ALL;
use support::program;

fn help(command: &str) -> String {
    let mut program = program();
    program.build();
    let command = program.find_subcommand_mut(command).expect("there is such a command");
    command.render_long_help().to_string()
}

#[test]
fn help_is_made_from_the_definitions() {
    assert_snapshot!("call", help("call"));
}

#[test]
fn a_command_shows_only_what_it_heeds() {
    assert_snapshot!("ps", help("ps"));
}

#[test]
fn short_help_shows_what_is_common() {
    assert_snapshot!(program().render_help());
}

#[test]
fn shells_are_told_the_words() {
    let program = program();
    for (key, expected) in
        [("strict", "auto always never"), ("log.format", "text json"), ("control.socket", "true false")]
    {
        let definition =
            ALL.iter().find(|definition| definition.key == key).expect("there is such a setting");
        let arg =
            program.get_arguments().find(|arg| arg.get_id() == definition.flag()).expect("it is a flag");
        let words: Vec<String> =
            arg.get_possible_values().iter().map(|word| word.get_name().to_owned()).collect();
        assert_eq!(words.join(" "), expected, "{key}");
    }
}

#[test]
fn a_setting_has_one_value_unless_it_is_a_list() {
    let parse = |flags: &[&str]| program().try_get_matches_from([&["perilune", "call"], flags].concat());
    assert!(parse(&["--threads", "1", "--threads", "2"]).is_err());
    assert!(parse(&["--allow-net", "a", "--allow-net", "b"]).is_ok());
    assert!(parse(&["--threads", ""]).is_err());
}
