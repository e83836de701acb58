//! The kinds of this version.

use crate::component;
use crate::pool::{self, MAX_BUFFER, MAX_WORKERS};
use crate::schema::{Field, Fields, KindSpec, Kinds, Type};
use std::time::Duration;

/// What one call may take at most; a host's own ceiling is lower as a rule.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Memory of a cell: below one page of tables nothing runs, above 4 GiB a 32-bit wasm memory ends.
const MEMORY: Type = Type::Bytes { min: 1 << 20, max: 1 << 32 };

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

const SOURCE: Field = Field {
    name: "source",
    ty: Type::Source,
    required: true,
    doc: "Lua text, nearly always a file",
    ..FIELD
};
const FS: Field = Field {
    name: "fs",
    ty: Type::Entry(FILE_SYSTEMS),
    required: true,
    doc: "where the bytecode lies",
    ..FIELD
};
/// Kinds that bytecode is read from.
const FILE_SYSTEMS: &[&str] = &["fs.embed", "fs.directory"];
const PATH: Field =
    Field { name: "path", ty: Type::String, required: true, doc: "the bytecode's path there", ..FIELD };
const HASH: Field = Field {
    name: "hash",
    ty: Type::Sha256,
    required: true,
    doc: "of the bytecode; any other is not loaded",
    ..FIELD
};
const METHOD: Field = Field {
    name: "method",
    ty: Type::String,
    default: "main",
    doc: "function to run in the table that the source returns",
    ..FIELD
};
const REQUIRED_METHOD: Field = Field {
    name: "method",
    ty: Type::String,
    required: true,
    doc: "function to call in the table that the source returns",
    ..FIELD
};
const METHODS: Field = Field {
    name: "methods",
    ty: Type::Strings,
    default: "all functions",
    doc: "functions that can be called from outside",
    ..FIELD
};
const MODULES: Field = Field {
    name: "modules",
    ty: Type::Modules,
    default: "none",
    doc: "built-in modules that `require` may load",
    ..FIELD
};
const IMPORTS: Field = Field {
    name: "imports",
    ty: Type::Imports,
    default: "none",
    doc: "other entries that `require` loads under an alias",
    ..FIELD
};
const POOL: Field = Field {
    name: "pool",
    ty: Type::Object(POOL_FIELDS),
    default: "adaptive",
    doc: "who runs the calls",
    ..FIELD
};
const POOL_FIELDS: &[Field] = &[
    Field {
        name: "type",
        ty: Type::OneOf(pool::TYPES),
        default: "adaptive",
        doc: "how workers come and go",
        ..FIELD
    },
    Field {
        name: "size",
        ty: Type::Integer { min: 0, max: MAX_WORKERS },
        default: "static: 8, others: 1",
        doc: "workers: all (static), at first and at least (adaptive), made by `warm_start` (lazy)",
        ..FIELD
    },
    Field {
        name: "workers",
        ty: Type::Integer { min: 0, max: MAX_WORKERS },
        doc: "another name for `size`",
        ..FIELD
    },
    Field {
        name: "buffer",
        ty: Type::Integer { min: 1, max: MAX_BUFFER },
        default: "64 per worker",
        doc: "calls that may wait (static, adaptive)",
        ..FIELD
    },
    Field {
        name: "warm_start",
        ty: Type::Bool,
        default: "false",
        doc: "load the entry and make its workers at start, not at its first call",
        ..FIELD
    },
    Field {
        name: "max_size",
        ty: Type::Integer { min: 1, max: MAX_WORKERS },
        default: "16",
        doc: "most workers (lazy, adaptive)",
        ..FIELD
    },
    Field {
        name: "idle_timeout",
        ty: Type::Duration { max: DAY },
        default: "30s",
        doc: "how long a worker may be idle before it is given up (lazy, adaptive)",
        ..FIELD
    },
];

const LIMIT_MEMORY: Field =
    Field { name: "memory", ty: MEMORY, default: "64MiB", doc: "memory of one cell", ..FIELD };
const LIMIT_CPU: Field = Field {
    name: "cpu",
    ty: Type::Duration { max: DAY },
    default: "the host's",
    doc: "computing time of one turn, waiting not counted",
    ..FIELD
};
const LIMIT_TIMEOUT: Field = Field {
    name: "timeout",
    ty: Type::Duration { max: DAY },
    default: "the host's",
    doc: "time from call to result, waiting included",
    ..FIELD
};
const CALL_LIMITS: Field = Field {
    name: "limits",
    ty: Type::Object(&[LIMIT_MEMORY, LIMIT_CPU, LIMIT_TIMEOUT]),
    default: "the host's",
    doc: "what one call may take",
    ..FIELD
};
/// Without a timeout: a process has no call that could take too long.
const PROCESS_LIMITS: Field = Field {
    name: "limits",
    ty: Type::Object(&[LIMIT_MEMORY, LIMIT_CPU]),
    default: "the host's",
    doc: "what the process may take",
    ..FIELD
};

/// It narrows what the host allows, and never widens it.
const NETWORK: Field = Field {
    name: "network",
    ty: Type::Object(&[Field {
        name: "allow",
        ty: Type::Strings,
        required: true,
        doc: "hosts, each allowed by the host as well: `api.example.com`, `*.example.com`, `10.0.0.0/8`, `*`",
        ..FIELD
    }]),
    default: "all that the host allows",
    doc: "what the entry may reach in the network",
    ..FIELD
};

const COMMAND: Field = Field {
    name: "command",
    ty: Type::Object(&[
        Field {
            name: "name",
            ty: Type::String,
            required: true,
            doc: "the word after `perilune run`",
            ..FIELD
        },
        Field { name: "short", ty: Type::String, doc: "one line for the list of commands", ..FIELD },
        Field {
            name: "main",
            ty: Type::Bool,
            default: "false",
            doc: "run when no command is named",
            ..FIELD
        },
    ]),
    doc: "makes the process a command",
    ..FIELD
};

/// A kind of code, and its precompiled counterpart, which says where the bytecode is instead of holding the text.
macro_rules! code {
    ($text:ident, $bytecode:ident, $name:literal, $doc:literal, [$($field:expr),* $(,)?] $(, $key:ident: $value:expr)*) => {
        const $text: KindSpec = KindSpec {
            name: $name,
            doc: $doc,
            fields: Fields::Known(&[SOURCE $(, $field)*]),
            importable: true,
            $($key: $value,)*
            ..KindSpec::EMPTY
        };
        const $bytecode: KindSpec = KindSpec {
            name: concat!($name, ".bc"),
            doc: concat!("Precompiled counterpart of `", $name, "`, which packing writes"),
            fields: Fields::Known(&[FS, PATH, HASH $(, $field)*]),
            ..$text
        };
    };
}

code!(
    FUNCTION,
    FUNCTION_BYTECODE,
    "function.lua",
    "Stateless function, called on demand",
    [REQUIRED_METHOD, MODULES, IMPORTS, POOL, CALL_LIMITS, NETWORK],
    meta: &[ACTIVITY_META],
    check: Some(pool::check)
);

code!(
    PROCESS,
    PROCESS_BYTECODE,
    "process.lua",
    "Long-running actor that keeps its state",
    [METHOD, MODULES, IMPORTS, PROCESS_LIMITS, NETWORK],
    meta: &[COMMAND, ACTIVITY_META]
);

code!(LIBRARY, LIBRARY_BYTECODE, "library.lua", "Shared code that other entries import", [MODULES, IMPORTS]);

code!(
    MODULE,
    MODULE_BYTECODE,
    "module.lua",
    "Library whose functions can also be called as `namespace:name.method`",
    [METHODS, MODULES, IMPORTS, POOL, CALL_LIMITS, NETWORK],
    check: Some(pool::check)
);

code!(
    WORKFLOW,
    WORKFLOW_BYTECODE,
    "workflow.lua",
    "Durable workflow",
    [METHOD, MODULES, IMPORTS, PROCESS_LIMITS],
    meta: &[WORKFLOW_META]
);

/// Kinds that run workflows and their activities.
const WORKERS: &[&str] = &["workflow.host", "temporal.worker"];

const WORKFLOW_META: Field = Field {
    name: "temporal",
    ty: Type::Object(&[Field {
        name: "workflow",
        ty: Type::Object(&[
            Field {
                name: "worker",
                ty: Type::Entry(WORKERS),
                doc: "where its runs are kept, unless a start names another place",
                ..FIELD
            },
            Field {
                name: "name",
                ty: Type::String,
                default: "the entry's id",
                doc: "what a Temporal server calls it",
                ..FIELD
            },
        ]),
        doc: "the workflow's place",
        ..FIELD
    }]),
    doc: "where it runs",
    ..FIELD
};

const ACTIVITY_META: Field = Field {
    name: "temporal",
    ty: Type::Object(&[Field {
        name: "activity",
        ty: Type::Object(&[
            Field {
                name: "worker",
                ty: Type::Entry(WORKERS),
                doc: "whose workflows run it, and clients of its server",
                ..FIELD
            },
            Field {
                name: "local",
                ty: Type::Bool,
                default: "`false`",
                doc: "kept for entries of other hosts; it changes nothing",
                ..FIELD
            },
        ]),
        doc: "its place as an activity",
        ..FIELD
    }]),
    doc: "where workflows run it",
    ..FIELD
};

const DATA: KindSpec = KindSpec {
    name: "registry.entry",
    doc: "Data for others to look up, with any fields",
    fields: Fields::Free,
    ..KindSpec::EMPTY
};

/// What follows the kind of a Lua entry in that of its precompiled counterpart.
const SUFFIX: &str = ".bc";

const COMPONENT: Field = Field {
    name: "component",
    ty: Type::Component,
    required: true,
    doc: "WebAssembly component, in any language that compiles to one",
    ..FIELD
};
const COMPONENT_HASH: Field = Field {
    name: "hash",
    ty: Type::Sha256,
    default: "not checked",
    doc: "of the component; any other is refused",
    ..FIELD
};
const EXPORT: Field = Field {
    name: "method",
    ty: Type::String,
    default: "`perilune:component/entry`, or else `wasi:cli/run`",
    doc: "exported function to call, or `interface#function`",
    ..FIELD
};
const COMPONENT_MODULES: Field = Field {
    name: "modules",
    ty: Type::Strings,
    default: "none",
    doc: "`funcs`: it may import `perilune:component/funcs`, and call other entries",
    ..FIELD
};
const ENVIRONMENT: Field = Field {
    name: "env",
    ty: Type::Entries(&["env.variable"]),
    default: "none",
    doc: "variables that it finds in its environment",
    ..FIELD
};
const MOUNTS: Field = Field {
    name: "mounts",
    ty: Type::Objects(&[
        Field {
            name: "fs",
            ty: Type::Entry(&["fs.directory"]),
            required: true,
            doc: "which directory",
            ..FIELD
        },
        Field {
            name: "path",
            ty: Type::String,
            required: true,
            doc: "where the component finds it: an absolute path",
            ..FIELD
        },
        Field {
            name: "write",
            ty: Type::Bool,
            default: "false",
            doc: "whether it may change what lies there",
            ..FIELD
        },
    ]),
    default: "none",
    doc: "directories that it sees",
    ..FIELD
};
/// Unlike Lua, a component reaches nothing that it is not granted here.
const SOCKETS: Field = Field { default: "no network", ..NETWORK };

const FUNCTION_WASM: KindSpec = KindSpec {
    name: "function.wasm",
    doc: "Stateless function in another language: a WebAssembly component, of which each call has an instance of its own",
    fields: Fields::Known(&[
        COMPONENT,
        COMPONENT_HASH,
        EXPORT,
        COMPONENT_MODULES,
        ENVIRONMENT,
        MOUNTS,
        SOCKETS,
        POOL,
        CALL_LIMITS,
    ]),
    meta: &[ACTIVITY_META],
    check: Some(component::check),
    ..KindSpec::EMPTY
};

const PROCESS_WASM: KindSpec = KindSpec {
    name: "process.wasm",
    doc: "Long-running actor in another language: a WebAssembly component",
    fields: Fields::Known(&[
        COMPONENT,
        COMPONENT_HASH,
        EXPORT,
        COMPONENT_MODULES,
        ENVIRONMENT,
        MOUNTS,
        SOCKETS,
        PROCESS_LIMITS,
    ]),
    meta: &[COMMAND],
    check: Some(component::check_fields),
    ..KindSpec::EMPTY
};

/// The kind whose rules an entry runs by: that of precompiled Lua without `.bc`, any other as it is.
pub fn source_kind(kind: &str) -> &str {
    kind.strip_suffix(SUFFIX).filter(|kind| kind.ends_with(".lua")).unwrap_or(kind)
}

impl Kinds {
    /// The kinds of Lua entries, their precompiled counterparts, those of components, and `registry.entry`.
    pub fn standard() -> Self {
        let texts = [FUNCTION, PROCESS, LIBRARY, MODULE, WORKFLOW];
        let bytecode =
            [FUNCTION_BYTECODE, PROCESS_BYTECODE, LIBRARY_BYTECODE, MODULE_BYTECODE, WORKFLOW_BYTECODE];
        let others = [FUNCTION_WASM, PROCESS_WASM, DATA];
        texts.into_iter().chain(bytecode).chain(others).fold(Self::new(), Kinds::with)
    }
}
