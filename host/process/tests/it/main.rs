//! What the table of runs promises.
