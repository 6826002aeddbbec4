//! How every source begins, and what none may say.

use std::path::Path;

use crate::nothing_wrong;
use crate::tree::{Source, read, services, sources_below};

const EVERYWHERE: [&str; 4] = ["crates", "services", "gateway", "tests"];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "helpers", "helper", "common", "misc", "shared", "stuff"];
/// A file that is longer holds more than one idea.
const LINES_MAX: usize = 450;

#[test]
fn every_source_begins_with_its_purpose() {
    let silent = sources_below(&EVERYWHERE).into_iter().filter(|source| {
        // Generated files name their generator first.
        let first = source.text.lines().find(|line| !line.starts_with("// @generated"));
        !first.is_some_and(|line| line.starts_with("//! ") && line.len() > "//! ".len() + 10)
    });
    nothing_wrong(
        silent
            .map(|source| format!("{}: begin with `//!` and a sentence about its purpose", source.path))
            .collect(),
    );
}

#[test]
fn names_say_what_is_inside() {
    let empty = sources_below(&EVERYWHERE).into_iter().filter(|source| {
        Path::new(&source.path).iter().any(|part| {
            let part = part.to_string_lossy();
            EMPTY_NAMES.contains(&part.trim_end_matches(".rs"))
        })
    });
    nothing_wrong(
        empty.map(|source| format!("{}: name it after the noun or verb inside", source.path)).collect(),
    );
}

#[test]
fn no_source_is_endless() {
    let long = sources_below(&EVERYWHERE).into_iter().filter(|source| {
        let lines = source.text.lines().count();
        lines > LINES_MAX && source.path.contains("/src/") && !source.path.ends_with("schema.rs")
    });
    nothing_wrong(
        long.map(|source| format!("{}: more than {LINES_MAX} lines; find the two ideas in it", source.path))
            .collect(),
    );
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    nothing_wrong(saying(&product(), &[".unwrap()", "todo!(", "unimplemented!("], "answer an error instead"));
}

#[test]
fn models_know_neither_proto_nor_tonic() {
    let models: Vec<Source> = services()
        .iter()
        .flat_map(|service| sources_below(&[&format!("services/{service}/src")]))
        .filter(|source| source.path.contains("/src/model/") || source.path.ends_with("/src/model.rs"))
        .collect();
    let words = ["proto::", "tonic::", "pb::", "prost::", "Utc::now"];
    nothing_wrong(saying(
        &models,
        &words,
        "a model is plain data and decisions; parse in rpc/, build in wire.rs",
    ));
}

#[test]
fn sql_is_never_put_together_from_text() {
    const SQL: [&str; 6] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WHERE ", "ORDER BY "];
    let sources: Vec<Source> =
        services().iter().flat_map(|service| sources_below(&[&format!("services/{service}/src")])).collect();
    let words = ["sql_query(format!", "sql_query(&format!", "batch_execute(&format!", "cached_sql(&"];
    let mut problems =
        saying(&sources, &words, "bind values: store::cached_sql with arrays, or diesel's DSL");
    for source in &sources {
        let built = source
            .code()
            .filter(|(_, line)| line.contains("format!(") && SQL.iter().any(|word| line.contains(word)));
        problems.extend(
            built.map(|(number, _)| {
                format!("{}:{number}: SQL is one constant text; bind values", source.path)
            }),
        );
    }
    nothing_wrong(problems);
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let manifests = EVERYWHERE.iter().flat_map(|folder| crate::tree::files_below(folder));
    let loose = manifests.filter(|path| path.ends_with("Cargo.toml")).filter(|path| {
        let text = read(path);
        !text.contains("[lints]\nworkspace = true")
    });
    nothing_wrong(loose.map(|path| format!("{path}: add `[lints] workspace = true`")).collect());
}

/// Everything that ships: no tests, and not the crate that only tests depend on.
fn product() -> Vec<Source> {
    let sources = sources_below(&["crates", "services", "gateway"]);
    let ships =
        |source: &Source| source.path.contains("/src/") && !source.path.starts_with("crates/testing/");
    sources.into_iter().filter(ships).filter(|source| !is_test_module(source)).collect()
}

/// A module that its parent declares under `#[cfg(test)]`.
fn is_test_module(source: &Source) -> bool {
    source.path.ends_with("/tests.rs") || source.path.contains("/src/tests/")
}

fn saying(sources: &[Source], words: &[&str], instead: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        for (number, line) in source.code() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                problems.push(format!("{}:{number}: {word} – {instead}", source.path));
            }
        }
    }
    problems
}
