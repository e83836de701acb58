//! The kinds of entries that databases are made from.

use crate::{Database, mysql, postgres, sqlite};
use perilune_network::{Host, List, Policy, Target};
use perilune_registry::{Field, Fields, KindSpec, Type, parse_bytes};
use perilune_resource::{Opened, Opening, ResourceKind, kind};
use perilune_value::{Failure, Kind};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Every kind of database.
pub const KINDS: &[ResourceKind] = &[
    ResourceKind {
        spec: KindSpec {
            name: "db.sql.sqlite",
            doc: "A SQLite database in a file or in memory",
            fields: Fields::Known(&[FILE, POOL, OPTIONS]),
            placeholders: true,
            ..KindSpec::EMPTY
        },
        open: open_sqlite,
    },
    ResourceKind {
        spec: KindSpec {
            name: "db.sql.postgres",
            doc: "A PostgreSQL database",
            fields: Fields::Known(&[HOST, PORT, DATABASE, USERNAME, PASSWORD, POOL, OPTIONS]),
            placeholders: true,
            ..KindSpec::EMPTY
        },
        open: |opening| Ok(opened(Database::new(postgres::Config(server(opening)?).open()?))),
    },
    ResourceKind {
        spec: KindSpec {
            name: "db.sql.mysql",
            doc: "A MySQL or MariaDB database",
            fields: Fields::Known(&[HOST, PORT, DATABASE, USERNAME, PASSWORD, POOL, OPTIONS]),
            placeholders: true,
            ..KindSpec::EMPTY
        },
        open: |opening| Ok(opened(Database::new(mysql::Config(server(opening)?).open()?))),
    },
];

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

const FILE: Field = Field {
    name: "file",
    ty: Type::String,
    required: true,
    doc: "path of the file, from the application's folder on, or `:memory:`; its directory must exist",
    ..FIELD
};
const HOST: Field = Field {
    name: "host",
    ty: Type::String,
    required: true,
    doc: "name or address of the server; the host must name it in turn, by `--allow-net HOST:PORT`",
    ..FIELD
};
const PORT: Field = Field {
    name: "port",
    ty: Type::Integer { min: 1, max: 65_535 },
    required: true,
    doc: "port of the server",
    ..FIELD
};
const DATABASE: Field =
    Field { name: "database", ty: Type::String, required: true, doc: "name of the database", ..FIELD };
const USERNAME: Field =
    Field { name: "username", ty: Type::String, required: true, doc: "who connects", ..FIELD };
const PASSWORD: Field =
    Field { name: "password", ty: Type::String, required: true, doc: "the password of that user", ..FIELD };
const OPTIONS: Field = Field {
    name: "options",
    ty: Type::Texts,
    default: "none",
    doc: "settings of each connection: `sslmode` and `sslrootcert`; `application_name` and settings of the server \
          (PostgreSQL), session variables (MySQL). `sslmode` is `disable` (default), or `require`, `verify-ca` or \
          `verify-full`, which all encrypt and check the server's certificate, by the authorities in `sslrootcert` (PEM) \
          or else the public ones. SQLite: `max_size`, bytes that the database may have, 256MiB without it in memory, else \
          no limit",
    ..FIELD
};
const POOL: Field = Field {
    name: "pool",
    ty: Type::Object(&[
        Field {
            name: "max_open",
            ty: Type::Integer { min: 0, max: 10_000 },
            default: "0, which is 100",
            doc: "connections at the same time; SQLite has one that writes and four that read",
            ..FIELD
        },
        Field {
            name: "max_idle",
            ty: Type::Integer { min: 0, max: 10_000 },
            default: "0, as many as may be open",
            doc: "connections that stay open while nobody uses them",
            ..FIELD
        },
        Field {
            name: "max_lifetime",
            ty: Type::Duration { max: Duration::from_secs(365 * 24 * 3600) },
            default: "1h",
            doc: "age at which a connection is replaced",
            ..FIELD
        },
    ]),
    doc: "how many connections there are",
    ..FIELD
};

/// A database server and how to reach it.
#[derive(Deserialize)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) username: String,
    pub(crate) password: String,
    #[serde(default)]
    pub(crate) pool: Connections,
    #[serde(default, deserialize_with = "texts")]
    pub(crate) options: BTreeMap<String, String>,
}

/// How many connections there are.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct Connections {
    max_open: usize,
    max_idle: usize,
    #[serde(deserialize_with = "kind::duration")]
    pub(crate) max_lifetime: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Connections { max_open: 0, max_idle: 0, max_lifetime: Duration::from_secs(3600) }
    }
}

/// Connections where nobody says how many: what PostgreSQL accepts from all its clients unless it is told otherwise. Without
/// an end, one entry that opens transactions in a loop would lock everybody else out of the server.
const MOST: usize = 100;

impl Connections {
    pub(crate) fn max_open(&self) -> usize {
        if self.max_open == 0 { MOST } else { self.max_open }
    }

    pub(crate) fn max_idle(&self) -> usize {
        if self.max_idle == 0 { self.max_open() } else { self.max_idle.min(self.max_open()) }
    }
}

/// A text, or a number or truth value as one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let options = BTreeMap::<String, Scalar>::deserialize(deserializer)?;
    let text = |value| match value {
        Scalar::Bool(value) => value.to_string(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::Float(value) => value.to_string(),
        Scalar::Text(value) => value,
    };
    Ok(options.into_iter().map(|(name, value)| (name, text(value))).collect())
}

fn opened(database: Database) -> Opened {
    Opened::resource(Arc::new(database))
}

/// The server of an entry, if the host lets entries reach it.
fn server(opening: &Opening<'_>) -> Result<Server, Failure> {
    let server: Server = opening.config()?;
    let refuse =
        |kind, why: String| Failure::new(kind, format!("{}: host: `{}`: {why}", opening.id(), server.host));
    let host = Host::parse(&server.host)
        .ok_or_else(|| refuse(Kind::Invalid, "it is neither a host's name nor an address".to_owned()))?;
    let listed =
        List::parse(&opening.allowed().network).map_err(|error| Failure::invalid(error.to_string()))?;
    Policy::new(Arc::new(listed), None)
        .may_delegate(&Target { host, port: server.port })
        .map_err(|refusal| refuse(Kind::PermissionDenied, refusal.to_string()))?;
    Ok(server)
}

fn open_sqlite(opening: &Opening<'_>) -> Result<Opened, Failure> {
    #[derive(Deserialize)]
    struct Config {
        file: String,
        #[serde(default, deserialize_with = "texts")]
        options: BTreeMap<String, String>,
    }
    let config: Config = opening.config()?;
    let place = sqlite::locate(&config.file, opening.folder(), &opening.allowed().directories)?;
    let size = config.options.get("max_size").map(|text| {
        parse_bytes(text)
            .filter(|size| *size > 0)
            .ok_or_else(|| Failure::invalid(format!("options.max_size: `{text}` is no size such as 64MiB")))
    });
    Ok(opened(Database::new(sqlite::Sqlite::new(place, size.transpose()?))))
}
