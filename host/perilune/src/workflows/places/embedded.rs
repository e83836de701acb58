//! Kind `workflow.host`: durable workflows on a file of this machine.

use crate::workflows::host::{Place, Workflows};
use crate::workflows::kinds::FIELD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_durable::{Archive, Durable, Settings};
use perilune_files::{Mode, Root};
use perilune_registry::{Field, Fields, KindSpec, Type};
use perilune_resource::{LIFECYCLE, Opened, Opening, ResourceKind, kind};
use perilune_value::Failure;
use perilune_workflow::{Activities, Backend, Machines};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Within what a service may take to stop, unless its entry says otherwise.
const GRACE: Duration = Duration::from_secs(8);

/// Where stores are, from the application's folder, unless their entries say otherwise.
const FOLDER: &str = ".perilune/workflows";

pub(in crate::workflows) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "workflow.host",
        doc: "Where durable workflows run, on a file of this machine",
        fields: Fields::Known(&[PATH, MAX_CACHED, MAX_ACTIVITIES, RETENTION, LIFECYCLE]),
        placeholders: true,
        together: Some(crate::workflows::checks::TOGETHER),
        ..KindSpec::EMPTY
    },
    open,
};

const PATH: Field = Field {
    name: "path",
    ty: Type::String,
    default: "`.perilune/workflows/NAMESPACE.NAME.db` in the application's folder",
    doc: "the SQLite file that keeps every history; relative to the application's folder",
    ..FIELD
};
const MAX_CACHED: Field = Field {
    name: "max_cached_workflows",
    ty: Type::Integer { min: 0, max: 1_000_000 },
    default: "500",
    doc: "workflows that keep their cell between two steps; the others run their history again. With 0 all of them do, which shows code that is not deterministic",
    ..FIELD
};
const MAX_ACTIVITIES: Field = Field {
    name: "max_concurrent_activities",
    ty: Type::Integer { min: 1, max: 1_000_000 },
    default: "1000",
    doc: "activities that run at the same time",
    ..FIELD
};
const RETENTION: Field = Field {
    name: "retention",
    ty: Type::Duration { max: Duration::from_secs(100 * 365 * 24 * 3600) },
    default: "for ever",
    doc: "how long workflows that have ended are kept",
    ..FIELD
};

#[derive(Clone, Deserialize)]
#[serde(default)]
struct Config {
    path: Option<String>,
    max_cached_workflows: usize,
    max_concurrent_activities: usize,
    /// Zero for ever.
    #[serde(deserialize_with = "kind::duration")]
    retention: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            path: None,
            max_cached_workflows: 500,
            max_concurrent_activities: 1_000,
            retention: Duration::ZERO,
        }
    }
}

/// A file.
struct Store {
    config: Config,
    /// Where the file is: a folder that the host allows.
    folder: Root,
    path: PathBuf,
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let id = opening.id();
    let path = match &config.path {
        Some(path) => path.clone(),
        None => format!("{FOLDER}/{}.{}.db", id.namespace(), id.name()),
    };
    let root = Root::of(opening, "path", &path, opening.folder())?;
    let folder = match root.split() {
        Some((folder, _)) => folder.created(Mode::default()),
        None => return Err(Failure::invalid(format!("{id}: field `path`: {path} names no file"))),
    };
    let path = opening.folder().unwrap_or(Path::new("")).join(path);
    Ok(Workflows::open(opening, Store { config, folder, path }))
}

impl Place for Store {
    fn open(
        &self,
        machines: Arc<dyn Machines>,
        activities: Arc<dyn Activities>,
    ) -> BoxFuture<'_, Result<Arc<dyn Backend>, Failure>> {
        async move {
            self.folder.open()?;
            let settings = Settings {
                cached_machines: self.config.max_cached_workflows,
                concurrent_activities: self.config.max_concurrent_activities,
                retention: Some(self.config.retention).filter(|retention| !retention.is_zero()),
                ..Settings::new(&self.path)
            };
            let durable = Durable::open(settings, machines, activities).await;
            let durable = durable.map_err(|error| error.into_failure())?;
            Ok(Arc::new(durable) as Arc<dyn Backend>)
        }
        .boxed()
    }

    fn look(&self) -> Result<Arc<dyn Backend>, Failure> {
        // The folder is one that the host allows, or there is nothing to see.
        self.folder.open()?;
        let archive = Archive::open(&self.path).map_err(|error| error.into_failure())?;
        Ok(Arc::new(archive))
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn grace(&self) -> Duration {
        GRACE
    }
}
