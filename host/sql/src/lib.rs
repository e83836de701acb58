//! Databases behind one interface: SQLite, PostgreSQL, MySQL.
