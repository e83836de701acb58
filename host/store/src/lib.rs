//! Key-value stores with expiry.
