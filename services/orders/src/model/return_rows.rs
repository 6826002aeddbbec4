//! Reads returns and writes their changes.
