//! What is refused, in which words.

mod support;

use insta::assert_snapshot;
use support::Folder;

/// All refusals of these files, one below the other.
fn refused(files: &[&str]) -> String {
    let each = files.iter().map(|yaml| format!("{}\n----\n", Folder::with(yaml).refused(&[], &[])));
    each.collect()
}

#[test]
fn unknown_settings_are_told_what_was_meant() {
    assert_snapshot!(refused(&[
        "limts: {cpu: 1s}",
        "limits: {cpus: 1s}",
        "limits: {bananas: 1}",
        "bananas: 1",
        "memory: 64MiB",
        "limits.cpu: 1s",
        "allow-net: [a.example]",
        "limits: {cpu.max: 1s}",
        "version: '1.0'\nnamespace: app\nentries: []\n",
        "\"\\e[31mred\": 1",
    ]));
}

#[test]
fn wrong_types_are_told_what_is_allowed() {
    assert_snapshot!(refused(&[
        "limits: {cpu: 200}",
        "limits: {cpu: fast}",
        "limits: {cpu: [1s]}",
        "limits: {cpu: {max: 1s}}",
        "limits: {memory: 64}",
        "limits: {memory: much}",
        "limits: {cpu: ~}",
        "limits: 5",
        "limits: [cpu]",
        "cells: {max: many}",
        "cells: {max: '7'}",
        "cells: {max: 7.5}",
        "cells: {deterministic: yes}",
        "cells: {deterministic: 1}",
        "cells: {deterministic: 'true'}",
        "log: {level: ''}",
        "log: {format: jsn}",
        "[limits]",
        "just a text",
    ]));
}

#[test]
fn what_is_out_of_bounds_is_told_the_bounds() {
    assert_snapshot!(refused(&[
        "limits: {memory: 1KiB}",
        "limits: {memory: 8GiB}",
        "limits: {cpu: 0s}",
        "limits: {timeout: 10000h}",
        "cells: {max: 0}",
        "cells: {max: -1}",
        "threads: 99999999999999999999999",
    ]));
}

#[test]
fn what_is_no_plain_yaml_is_refused() {
    let deep = format!("limits: {}", "[".repeat(1000));
    assert_snapshot!(refused(&[
        "limits: {cpu: 1s",
        "limits:\n\tcpu: 1s",
        "limits: {cpu: 1s, cpu: 2s}",
        "limits: {cpu: 1s}\nthreads: 1\nlimits: {memory: 1MiB}\n",
        "limits: &a {cpu: 1s}",
        "limits: *a",
        "threads: !!int 3",
        "threads: 1\n---\nthreads: 2\n",
        "? [a]\n: 1",
        &deep,
        "größe: 1\nlimits: {größe: ü}",
    ]));
}

#[test]
fn everything_that_is_wrong_is_shown_at_once() {
    let folder = Folder::with("limits: {cpu: fast, memroy: 1MiB}\n");
    let refused = folder.refused(&["--cells-max", "0"], &[("PERILUNE_THREADS", "many")]);
    assert_snapshot!(refused);
}

#[test]
fn flags_and_variables_are_named() {
    let folder = Folder::empty();
    let flags =
        ["--limits-cpu", "200", "--strict", "sometimes", "--color", "alway", "--limits-memory", "1TiB"];
    assert_snapshot!("flags", folder.refused(&flags, &[]));
    let variables = [
        ("PERILUNE_LIMITS_CPU", "200"),
        ("PERILUNE_STRICT", "sometimes"),
        ("PERILUNE_CELLS_DETERMINISTIC", "yes"),
    ];
    assert_snapshot!("variables", folder.refused(&[], &variables));
}

#[test]
fn what_an_application_brings_along_does_not_widen_what_it_may_do() {
    assert_snapshot!(refused(&[
        "allow: {net: ['*'], dir: [/]}\nstrict: never\ncache: {dir: cache}\nceiling: {memory: 4GiB}\n"
    ]));
}

#[test]
fn a_limit_above_its_ceiling_is_a_contradiction() {
    let folder = Folder::with("limits: {memory: 2GiB}\n");
    assert_snapshot!("with_a_default", folder.refused(&["--limits-cpu", "2m"], &[]));
    assert_snapshot!("with_a_flag", folder.refused(&["--ceiling-memory", "1536MiB"], &[]));
    folder.resolve(&["--ceiling-memory", "2GiB"], &[]).expect("it fits");
    Folder::empty().resolve(&["--ceiling-memory", "1MiB"], &[]).expect("a default gives way");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = Folder::empty();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let config = |name: &str| folder.refused(&["--config", &path(name)], &[]);
    assert_snapshot!("missing", config("missing.yaml"));
    assert_snapshot!("folder", folder.refused(&["--config", &folder.path().display().to_string()], &[]));
    std::fs::write(path("bytes.yaml"), b"limits: \xff").expect("it is written");
    assert_snapshot!("bytes", config("bytes.yaml"));
    std::fs::write(path("large.yaml"), "#".repeat(1 << 21)).expect("it is written");
    assert_snapshot!("large", config("large.yaml"));
    std::fs::write(path("perilune.yml"), "threads: 1").expect("it is written");
    assert_snapshot!("almost", folder.refused(&[], &[]));
    std::fs::create_dir(path("perilune.yaml")).expect("it is made");
    assert_snapshot!("a_folder_of_that_name", folder.refused(&[], &[]));
    assert_snapshot!("a_folder_with_a_file", {
        let inside = Folder::with("threads: 1");
        inside.refused(&["--config", &inside.path().display().to_string()], &[])
    });
}

#[cfg(unix)]
#[test]
fn an_application_cannot_make_anybody_wait_for_a_pipe_and_an_operator_may_use_one() {
    let folder = Folder::empty();
    let pipe = folder.path().join("perilune.yaml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    assert_snapshot!(folder.refused(&[], &[]));
    assert_eq!(Folder::empty().get("threads", &["--config", "/dev/null"], &[]).1, "default");
}

#[test]
fn a_file_with_any_damage_is_refused_or_read_and_nothing_else_happens() {
    const WHOLE: &str = "# größe\nlimits: {cpu: 200ms, memory: \"64MiB\"}\ncells:\n  max: 7\n  deterministic: false\nlog: {level: 'a=b'}\nthreads: 2\n";
    const PIECES: [&str; 16] =
        ["{", "}", "[", "]", ":", "\n", "\t", "&a ", "*a", "!!", "\"", "'", "ü", "\0", "- ", "|\n"];
    let folder = Folder::empty();
    let path = folder.path().join("perilune.yaml");
    let mut state: u64 = 1;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    let (mut refused, mut read) = (0, 0);
    for _ in 0..3000 {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for _ in 0..=random(3) {
            if bytes.len() < 2 {
                break;
            }
            let at = random(bytes.len());
            match random(4) {
                0 => bytes.truncate(at.max(1)),
                1 => drop(bytes.remove(at)),
                2 => drop(bytes.splice(at..at, PIECES[random(PIECES.len())].bytes())),
                _ => bytes[at] = u8::try_from(random(256)).unwrap_or(0),
            }
        }
        std::fs::write(&path, &bytes).expect("it is written");
        match folder.resolve(&[], &[]) {
            Ok(_) => read += 1,
            Err(problems) => {
                assert!(!problems.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(refused > 1000 && read > 100, "{refused} refused, {read} read");
}
