//! The table of reasons is that of the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Set to write the table instead of comparing it.
const WRITE: &str = "KOROB_WRITE_REASONS";

/// What comes from a library that all services are made of.
const EVERY_SERVICE: &str = "every service";

/// What comes with which code, and where it comes from.
type Table = BTreeMap<(String, String), BTreeSet<String>>;

#[test]
fn the_table_of_reasons_is_current() {
    let text = render(&collect());
    if std::env::var_os(WRITE).is_some() {
        fs::write(root().join("gateway/src/docs/reasons.tsv"), &text).unwrap();
        return;
    }
    let kept: BTreeSet<&str> = gateway::REASONS_TEXT.lines().collect();
    let found: BTreeSet<&str> = text.lines().collect();
    let missing: Vec<_> = found.difference(&kept).collect();
    let gone: Vec<_> = kept.difference(&found).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "gateway/src/docs/reasons.tsv is not current: run `{WRITE}=1 cargo test -p gateway reasons`\n\
         missing: {missing:#?}\ngone: {gone:#?}"
    );
}

#[test]
fn the_table_knows_reasons_of_every_kind() {
    let text = render(&collect());
    for line in [
        "SHOP_NOT_FOUND\tNOT_FOUND\t",
        "OVERLOADED\t503\tgateway",
        "DUPLICATE_FIELD\tINVALID_ARGUMENT\tgateway",
        "UNKNOWN_TIME_ZONE\tINVALID_ARGUMENT\taccess",
        "IDEMPOTENCY_KEY_REUSED\t",
        "SCOPE_MISSING\t",
    ] {
        assert!(text.lines().any(|known| known.starts_with(line)), "{line}: the sources are not read well");
    }
}

fn collect() -> Table {
    let mut table = Table::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let from = place(&path);
        for (at, _) in text.match_indices("Code::") {
            let rest = &text[at + "Code::".len()..];
            let code: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            let after = &rest[code.len()..];
            if text[..at].ends_with("Status") {
                continue;
            }
            if let Some(reason) = after.strip_prefix(',').and_then(|after| literal(after.trim_start())) {
                note(&mut table, reason, &upper_snake_case(&code), &from);
            }
        }
        for (at, _) in text.match_indices("StatusCode::") {
            let rest = &text[at + "StatusCode::".len()..];
            let name: String =
                rest.chars().take_while(|letter| letter.is_ascii_uppercase() || *letter == '_').collect();
            let reason = rest[name.len()..].strip_prefix(',').and_then(|after| literal(after.trim_start()));
            if let (Some(reason), Some(status)) = (reason, status(&name)) {
                note(&mut table, reason, &status.to_string(), &from);
            }
        }
        for refusing in [".refuse(", ".check(", "Invalid::field("] {
            for (at, _) in text.match_indices(refusing) {
                let end = text[at..].find(';').map_or(text.len(), |end| at + end);
                let arguments = &text[at..end];
                let literals = arguments.match_indices('"').filter_map(|(at, _)| literal(&arguments[at..]));
                if let Some(reason) = literals.into_iter().find(|text| text.len() > 2) {
                    note(&mut table, reason, "INVALID_ARGUMENT", &from);
                }
            }
        }
        if path.ends_with("transcode/src/violation.rs") {
            for (at, _) in text.match_indices("=> \"") {
                if let Some(reason) = literal(&text[at + 3..]) {
                    note(&mut table, reason, "INVALID_ARGUMENT", "gateway");
                }
            }
        }
        for opening in ["refused(\"", "forbidden(\"", "Some((\""] {
            let status = if opening == "refused(\"" { "401" } else { "403" };
            for (at, _) in text.match_indices(opening).filter(|_| from == "gateway") {
                if let Some(reason) = literal(&text[at + opening.len() - 1..]) {
                    note(&mut table, reason, status, &from);
                }
            }
        }
    }
    table
}

fn note(table: &mut Table, reason: &str, code: &str, from: &str) {
    table.entry((reason.to_owned(), code.to_owned())).or_default().insert(from.to_owned());
}

fn render(table: &Table) -> String {
    let lines = table.iter().map(|((reason, code), from)| {
        let everywhere = from.contains(EVERY_SERVICE).then_some(EVERY_SERVICE);
        let from: Vec<&str> = match everywhere {
            Some(everywhere) => vec![everywhere],
            None => from.iter().map(String::as_str).collect(),
        };
        format!("{reason}\t{code}\t{}\n", from.join(", "))
    });
    lines.collect()
}

/// The reason that a text begins with, in quotes.
fn literal(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('"')?.split_once('"')?.0;
    let is_reason = inside.starts_with(|letter: char| letter.is_ascii_uppercase())
        && inside.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    is_reason.then_some(inside)
}

fn status(name: &str) -> Option<u16> {
    (400..600).find(|code| {
        let reason = http::StatusCode::from_u16(*code).ok().and_then(|status| status.canonical_reason());
        reason.is_some_and(|reason| reason.to_uppercase().replace([' ', '-'], "_") == name)
    })
}

fn upper_snake_case(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

/// Where a caller meets it: the service, or `every service` for what all of them have.
fn place(path: &Path) -> String {
    let inside = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    let mut parts = inside.split('/');
    match (parts.next(), parts.next()) {
        (Some("services"), Some(service)) => service.to_owned(),
        (Some("gateway"), _) => "gateway".to_owned(),
        _ => EVERY_SERVICE.to_owned(),
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join("gateway/src")];
    for library in ["rpc", "store", "events", "transcode"] {
        folders.push(root().join("crates").join(library).join("src"));
    }
    for service in fs::read_dir(root().join("services")).unwrap() {
        folders.push(service.unwrap().path().join("src"));
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found.retain(|path| !path.starts_with(root().join("services/korob")));
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
