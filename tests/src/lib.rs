//! Scenarios across services live in the test targets beside this file.
