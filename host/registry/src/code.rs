//! Stable codes of problems.

impl Code {
    /// A code of another crate's own check, such as `E401`.
    pub const fn new(code: &'static str) -> Self {
        Code(code)
    }
}

// E1xx: reading files. E2xx: entries and their fields. E3xx: what entries say about each other. E4xx: left to checks of sources.
perilune_value::codes! {
    /// A file or directory cannot be read.
    UNREADABLE = "E101";
    /// A file, or all files together, exceed a size limit.
    TOO_LARGE = "E102";
    /// A file is not UTF-8.
    NOT_UTF8 = "E103";
    /// A file is not well-formed YAML or JSON.
    SYNTAX = "E104";
    /// A file holds no document.
    EMPTY_FILE = "E105";
    /// A document expands to too many values, or nests too deep.
    TOO_COMPLEX = "E106";
    /// A mapping has one key twice.
    DUPLICATE_KEY = "E107";
    /// A YAML feature that entry files do not use.
    YAML_FEATURE = "E108";
    /// A directory is a symbolic link.
    LINKED_DIRECTORY = "E109";

    /// The frame of an entry file is wrong: `version`, `namespace`, `entries`.
    FILE_SHAPE = "E201";
    /// A required field is missing.
    MISSING_FIELD = "E202";
    /// A field is unknown.
    UNKNOWN_FIELD = "E203";
    /// A value is of the wrong type.
    WRONG_TYPE = "E204";
    /// A value is of the right type but not allowed.
    BAD_VALUE = "E205";
    /// A kind is unknown.
    UNKNOWN_KIND = "E206";
    /// Two entries have one id.
    DUPLICATE_ID = "E208";
    /// A `file://` reference leads to no usable file.
    FILE_REFERENCE = "E209";
    /// A source is not Lua text.
    BAD_SOURCE = "E210";
    /// A namespace or name cannot be part of an id.
    BAD_ID = "E211";

    /// A module is unknown.
    UNKNOWN_MODULE = "E301";
    /// An import's target does not exist.
    MISSING_IMPORT = "E302";
    /// An import's target is of a kind that holds no code.
    NOT_IMPORTABLE = "E303";
    /// Imports form a cycle.
    IMPORT_CYCLE = "E304";
    /// One name means two things in one import closure.
    NAME_COLLISION = "E305";
    /// An alias hides a name that is always present.
    RESERVED_NAME = "E306";
    /// Two entries are one command.
    DUPLICATE_COMMAND = "E307";
    /// An import closure has too many entries.
    CLOSURE_TOO_LARGE = "E308";
    /// A field names an entry that does not exist.
    MISSING_ENTRY = "E309";
    /// A field names an entry of a kind that does not fit.
    WRONG_KIND = "E310";
    /// Two entries want what only one can have, such as a path of a server.
    CONFLICT = "E311";

    /// A file is no WebAssembly component.
    NO_COMPONENT = "E410";
    /// A component has no export that could be called.
    NO_EXPORT = "E411";
    /// A component imports what nothing grants.
    NOT_GRANTED = "E412";
    /// A directory cannot be mounted as an entry says.
    BAD_MOUNT = "E413";
}
