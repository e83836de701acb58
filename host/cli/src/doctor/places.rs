//! Folders for the cache and the control socket.

use super::Finding;
use crate::application;
use perilune_settings::Settings;
use std::fs;
use std::path::Path;

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    vec![cache(settings), control(settings)]
}

/// The sandbox has been started just now: what can be written is there.
fn cache(settings: &Settings) -> Finding {
    let Some(folder) = application::cache(settings) else {
        return Finding::warn(
            "cache",
            "no folder is known",
            "set `cache.dir`, or HOME: each start waits for the compiler without it",
        );
    };
    let shown = folder.display();
    let files = match compiled(&folder) {
        Ok(files) => files,
        Err(error) => {
            let message = format!("{shown} cannot be used: {error}");
            return Finding::warn(
                "cache",
                message,
                "make it, or set `cache.dir`: each start waits for the compiler without it",
            );
        }
    };
    if is_open_to_others(&folder) {
        let message = format!("{shown}: others may write there, and what lies there is run as native code");
        return Finding::warn("cache", message, format!("`chmod go-w {shown}`"));
    }
    let bytes: u64 = files.iter().sum();
    match files.len() {
        0 => Finding::warn(
            "cache",
            format!("{shown} cannot be written"),
            "let this user write there, or set `cache.dir`",
        ),
        count => Finding::ok("cache", format!("{shown}: {} MiB in {count} compiled sandboxes", bytes >> 20)),
    }
}

/// Sizes of compiled sandboxes.
fn compiled(folder: &Path) -> std::io::Result<Vec<u64>> {
    let files = fs::read_dir(folder)?.filter_map(Result::ok);
    let compiled = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "cwasm"));
    Ok(compiled.filter_map(|file| Some(file.metadata().ok()?.len())).collect())
}

#[cfg(unix)]
fn is_open_to_others(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o022 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

fn control(settings: &Settings) -> Finding {
    const CHECK: &str = "control socket";
    if !settings.control_socket {
        return Finding::info(CHECK, "switched off by `control.socket`");
    }
    let folders = perilune_control::folders();
    let Some(folder) = folders.first() else {
        return Finding::info(CHECK, "this system has none: `perilune ps` and its like find nobody");
    };
    match perilune_control::check_folder(folder) {
        Ok(()) => Finding::ok(CHECK, format!("{}: only this user can enter it", folder.display())),
        Err(error) => Finding::warn(
            CHECK,
            error.to_string(),
            "`perilune ps` will find nobody; `control.dir` names another folder",
        ),
    }
}
