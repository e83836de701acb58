//! Settings of the command line: one definition each for flag, variable and file.
