//! MariaDB with an empty database, for as long as it is held.

use std::path::PathBuf;

use super::{Account, Server};

/// Its address as `mysql://user:password@host:port/database`.
pub(super) fn start(account: &Account) -> anyhow::Result<(Server, String)> {
    let programs = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/bin")];
    let daemon = super::find("mariadbd", &programs)?;
    let folder = account.folder("mariadb")?;
    let data = folder.join("data");
    let with_data = format!("--datadir={}", data.display());
    let mut init = account.command(&super::find("mariadb-install-db", &programs)?);
    init.args(["--no-defaults", "--auth-root-authentication-method=normal", &with_data]);
    super::prepare(init)?;

    // There is no password to begin with, and the tests want one.
    let setup = folder.join("setup.sql");
    std::fs::write(
        &setup,
        "CREATE DATABASE IF NOT EXISTS perilune CHARACTER SET utf8mb4;\n\
         CREATE USER IF NOT EXISTS perilune@'127.0.0.1' IDENTIFIED BY 'perilune';\n\
         CREATE USER IF NOT EXISTS perilune@localhost IDENTIFIED BY 'perilune';\n\
         GRANT ALL ON perilune.* TO perilune@'127.0.0.1';\n\
         GRANT ALL ON perilune.* TO perilune@localhost;\n",
    )?;
    // For tests of encryption; nobody trusts it.
    let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
    std::fs::write(&certificate, include_bytes!("../../../host/http/tests/server/certificates/server.pem"))?;
    std::fs::write(&key, include_bytes!("../../../host/http/tests/server/certificates/server.key"))?;

    let address = super::free_address()?;
    let mut server = account.command(&daemon);
    server.args([
        "--no-defaults",
        "--bind-address=127.0.0.1",
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=0",
    ]);
    server.arg(format!("--ssl-cert={}", certificate.display()));
    server.arg(format!("--ssl-key={}", key.display()));
    server.arg(with_data).arg(format!("--port={}", address.port()));
    server.arg(format!("--socket={}", folder.join("socket").display()));
    server.arg(format!("--pid-file={}", folder.join("pid").display()));
    server.arg(format!("--init-file={}", setup.display()));
    let server = super::run(server, folder, address)?;
    Ok((server, format!("mysql://perilune:perilune@{address}/perilune")))
}
