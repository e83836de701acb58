//! Which compiler is taken, and when it is fetched anew.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::pins::{VERSION, wheel};
use xtask::setup::{Compiler, Toolchain, chosen};

fn environment(variables: &[(&str, &Path)]) -> anyhow::Result<Option<Compiler>> {
    chosen(|name| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, path)| path.to_path_buf())
    })
}

fn file(path: PathBuf) -> PathBuf {
    fs::create_dir_all(path.parent().expect("the path has a folder")).expect("the folder can be made");
    fs::write(&path, "").expect("the file can be written");
    path
}

#[test]
fn without_variables_nothing_is_chosen() {
    assert_eq!(environment(&[]).unwrap(), None);
}

#[test]
fn a_zig_of_ones_own_goes_before_a_wasi_sdk() {
    let dir = tempfile::tempdir().unwrap();
    let zig = file(dir.path().join("zig"));
    file(dir.path().join("bin").join(format!("clang{EXE_SUFFIX}")));
    let sdk = ("WASI_SDK_PATH", dir.path());
    assert_eq!(environment(&[sdk]).unwrap(), Some(Compiler::WasiSdk(dir.path().into())));
    assert_eq!(environment(&[sdk, ("PERILUNE_ZIG", &zig)]).unwrap(), Some(Compiler::Zig(zig)));
}

#[test]
fn a_variable_that_names_no_compiler_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for variable in ["PERILUNE_ZIG", "WASI_SDK_PATH"] {
        let refusal = environment(&[(variable, dir.path())]).unwrap_err().to_string();
        assert!(refusal.contains(variable) && refusal.contains("unset it"), "{refusal}");
    }
}

#[test]
fn the_compiler_lies_where_the_guests_build_script_looks() {
    let toolchain = Toolchain::new(Path::new("target"), wheel("linux", "x86_64").unwrap());
    let expected = format!("target/toolchain/zig-{VERSION}/ziglang/zig{EXE_SUFFIX}");
    assert_eq!(toolchain.zig(), Path::new(&expected));
}

#[test]
fn only_the_pinned_archive_in_full_counts_as_ready() {
    let dir = tempfile::tempdir().unwrap();
    let pinned = wheel("linux", "x86_64").unwrap();
    let toolchain = Toolchain::new(dir.path(), pinned);
    assert!(!toolchain.is_ready(), "nothing is there");

    let zig = file(toolchain.zig());
    assert!(!toolchain.is_ready(), "no stamp: the installation was interrupted");

    let stamp = dir.path().join("toolchain").join(format!("zig-{VERSION}")).join(".installed");
    fs::write(&stamp, wheel("macos", "aarch64").unwrap().requirement()).unwrap();
    assert!(!toolchain.is_ready(), "the stamp of another archive");

    fs::write(&stamp, pinned.requirement()).unwrap();
    assert!(toolchain.is_ready());

    fs::remove_file(zig).unwrap();
    assert!(!toolchain.is_ready(), "the binary is gone");
}
