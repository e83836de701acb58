//! Finds mistakes in an application without running it.
