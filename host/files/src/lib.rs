//! Directories that no path leads out of.
