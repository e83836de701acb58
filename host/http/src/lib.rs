//! HTTP servers whose endpoints are functions.
