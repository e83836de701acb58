//! Regular expressions, differences, templates, sanitising: text that hostile scripts bring.
