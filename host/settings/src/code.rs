//! Stable codes of problems.

perilune_value::codes! {
    /// A file of settings cannot be read.
    UNREADABLE = "C101";
    /// A file of settings is not well-formed YAML, or uses more of YAML than settings need.
    SYNTAX = "C102";
    /// A setting is unknown.
    UNKNOWN = "C103";
    /// A setting is there twice.
    DUPLICATE = "C104";
    /// A setting is of the wrong type.
    WRONG_TYPE = "C105";
    /// A setting is of the right type but not allowed.
    BAD_VALUE = "C106";
    /// A setting stands in the application's own file, and only the operator may set it.
    OPERATOR_ONLY = "C107";
    /// Two settings contradict each other.
    CONFLICT = "C108";
}
