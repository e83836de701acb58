//! PostgreSQL with an empty database, for as long as it is held.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use super::{Account, Server};

/// Its address as `postgres://user:password@host:port/database`.
pub(super) fn start(account: &Account) -> anyhow::Result<(Server, String)> {
    let programs = newest()?;
    let folder = account.folder("postgres")?;
    let data = folder.join("data");
    let mut init = account.command(&super::find("initdb", &programs)?);
    init.arg("-D").arg(&data).args([
        "-U",
        "perilune",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    super::prepare(init)?;

    let address = super::free_address()?;
    let mut server = account.command(&super::find("postgres", &programs)?);
    server.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p"]).arg(address.port().to_string());
    // No file is worth being written safely.
    server.arg("-k").arg(&folder).args(["-c", "fsync=off", "-c", "max_connections=200"]);
    let server = super::run(server, folder, address)?;
    Ok((server, format!("postgres://perilune:perilune@{address}/postgres")))
}

/// Debian keeps each version in a folder of its own; elsewhere they are on the PATH.
fn newest() -> anyhow::Result<Vec<PathBuf>> {
    let Ok(versions) = fs::read_dir("/usr/lib/postgresql") else { return Ok(Vec::new()) };
    let versions =
        versions.map(|version| Ok(version?.path().join("bin"))).collect::<std::io::Result<Vec<_>>>();
    let mut versions = versions.context("cannot read the versions of PostgreSQL")?;
    versions.sort();
    versions.reverse();
    Ok(versions)
}
