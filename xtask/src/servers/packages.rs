//! Debian's packages that tests need.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// Packages, and a file of each that tells whether it is there.
const PACKAGES: &[(&str, &[&str])] = &[
    ("postgresql", &["/usr/lib/postgresql"]),
    ("mariadb-server", &["/usr/sbin/mariadbd", "/usr/sbin/mysqld"]),
    ("chromium", &["/usr/bin/chromium"]),
    ("chromium-driver", &["/usr/bin/chromedriver"]),
];

/// How long the package manager may take; the four packages are some 300 MB.
const SECONDS: &str = "600";

/// Installs what is missing, in CI and as root only: nobody's own machine is changed.
pub(super) fn install() {
    let is_there = |files: &[&str]| files.iter().any(|file| Path::new(file).exists());
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(_, files)| !is_there(files)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return;
    }
    let names = missing.join(" ");
    if env::var_os("CI").is_none() || !super::is_root() || !Path::new("/usr/bin/apt-get").exists() {
        println!("SKIPPED: some tests, for lack of Debian's packages: {names}");
        return;
    }
    println!("$ apt-get install {names}");
    let installed = apt(&["install", "--yes", "--no-install-recommends"], &missing)
        // The list of packages may be old, or not there yet.
        || (apt(&["update"], &[]) && apt(&["install", "--yes", "--no-install-recommends"], &missing));
    if !installed {
        println!("SKIPPED: some tests, since these packages cannot be installed: {names}");
    }
}

fn apt(verb: &[&str], packages: &[&str]) -> bool {
    let mut command = Command::new("timeout");
    command.arg(SECONDS).arg("apt-get").arg("-q").args(verb).args(packages);
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
