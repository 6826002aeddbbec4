//! Migrations only go forward, and each service has its own.

use std::collections::{BTreeSet, HashMap};

use crate::nothing_wrong;
use crate::tree::{files_below, folders, read, services, sources_below};

#[test]
fn migrations_only_go_forward() {
    let mut problems = Vec::new();
    for path in files_below("migrations") {
        let parts: Vec<&str> = path.split('/').collect();
        let [_, owner, migration, "up.sql"] = parts.as_slice() else {
            problems.push(format!("{path}: only migrations/<service>/<timestamp>_<verb_noun>/up.sql"));
            continue;
        };
        let named = migration.split_once('_').is_some_and(|(version, name)| {
            version.len() == 14 && version.bytes().all(|byte| byte.is_ascii_digit()) && name.contains('_')
        });
        if !named {
            problems.push(format!("{path}: name it <timestamp of 14 digits>_<verb_noun>"));
        }
        if *owner != "platform" && !services().contains(&(*owner).to_owned()) {
            problems.push(format!("{path}: there is no service {owner}"));
        }
        if !read(&path).starts_with("--") {
            problems.push(format!("{path}: begin with a comment that says what it brings"));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn versions_are_unique_within_a_database() {
    // A database holds the platform's migrations and its service's own, in one table of versions.
    let mut problems = Vec::new();
    for owner in folders("migrations").into_iter().filter(|owner| owner != "platform") {
        let mut seen: HashMap<String, String> = HashMap::new();
        for folder in ["platform".to_owned(), owner] {
            for migration in folders(&format!("migrations/{folder}")) {
                let version = migration.split('_').next().unwrap_or_default().to_owned();
                let place = format!("{folder}/{migration}");
                if let Some(other) = seen.insert(version, place.clone()) {
                    problems.push(format!(
                        "{place} and {other} have one version: give the newer a later timestamp"
                    ));
                }
            }
        }
    }
    nothing_wrong(problems);
}

#[test]
fn every_service_runs_its_own_migrations() {
    let mut problems = Vec::new();
    for service in services() {
        for source in sources_below(&[&format!("services/{service}/src")]) {
            let own = format!("migrations/{service}\"");
            let foreign =
                source.code().filter(|(_, line)| line.contains("embed_migrations!") && !line.contains(&own));
            problems.extend(
                foreign.map(|(number, _)| format!("{}:{number}: embed migrations/{service}", source.path)),
            );
        }
    }
    nothing_wrong(problems);
}

#[test]
fn no_service_names_a_table_of_another() {
    let tables: HashMap<String, BTreeSet<String>> =
        folders("migrations").into_iter().map(|owner| (owner.clone(), tables_of(&owner))).collect();
    let none = BTreeSet::new();
    let mut problems = Vec::new();
    for service in services() {
        let (own, platform) =
            (tables.get(&service).unwrap_or(&none), tables.get("platform").unwrap_or(&none));
        let foreign: BTreeSet<&String> = tables
            .values()
            .flatten()
            .filter(|table| !own.contains(*table) && !platform.contains(*table))
            .collect();
        for source in sources_below(&[&format!("services/{service}/src")]) {
            for (number, line) in source.code() {
                let named = tables_in(line).into_iter().find(|table| foreign.contains(table));
                problems.extend(named.map(|table| {
                    format!("{}:{number}: {table} is another service's table; ask that service", source.path)
                }));
            }
        }
    }
    nothing_wrong(problems);
}

fn tables_of(owner: &str) -> BTreeSet<String> {
    let files = files_below(&format!("migrations/{owner}"));
    files.iter().flat_map(|path| read(path).lines().filter_map(created_table).collect::<Vec<_>>()).collect()
}

fn created_table(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("CREATE TABLE ")?;
    let name = rest.trim_start_matches("IF NOT EXISTS ").split([' ', '(']).next()?;
    Some(name.to_owned())
}

/// What stands behind SQL's words for tables, in upper case as all SQL here is written.
fn tables_in(line: &str) -> Vec<String> {
    let words: Vec<&str> =
        line.split([' ', '(', ')', '"', ',', ';']).filter(|word| !word.is_empty()).collect();
    let names =
        words.windows(2).filter(|pair| ["FROM", "JOIN", "INTO", "UPDATE", "TABLE"].contains(&pair[0]));
    names.map(|pair| pair[1].to_owned()).collect()
}
