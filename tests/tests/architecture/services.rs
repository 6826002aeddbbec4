//! What the folder of a service holds: a file, a test and a line in the README for every RPC, and every event told.

use prost_reflect::{Kind, MessageDescriptor};
use proto::pool;

use crate::nothing_wrong;
use crate::tree::{Source, read, root, services, sources_below};

#[test]
fn every_rpc_has_a_file_of_its_name() {
    let mut problems = Vec::new();
    for service in services() {
        let folder = format!("services/{service}/src/rpc");
        let rpcs = rpcs_of(&service);
        for rpc in &rpcs {
            let file = format!("{folder}/{}.rs", snake_case(rpc));
            if !root().join(&file).exists() {
                problems.push(format!("{file}: does not exist; {rpc} is told there"));
            }
        }
        let sources = sources_below(&[&folder]);
        for source in &sources {
            let name = source.path.trim_start_matches(&format!("{folder}/")).trim_end_matches(".rs");
            if name.contains('/') || rpcs.iter().any(|rpc| snake_case(rpc) == name) {
                continue;
            }
            // What two verbs parse or answer alike may stand beside them.
            let users = sources
                .iter()
                .filter(|other| other.path != source.path && other.text.contains(&format!("{name}::")));
            if users.count() < 2 {
                problems.push(format!("{}: no RPC has this name and no two verbs share it", source.path));
            }
        }
    }
    nothing_wrong(problems);
}

#[test]
fn every_rpc_is_tested() {
    let mut problems = Vec::new();
    for service in services() {
        let tests = sources_below(&[&format!("services/{service}/tests")]);
        for rpc in rpcs_of(&service) {
            let call = format!("{}(", snake_case(&rpc));
            if !tests.iter().any(|source| source.text.contains(&call)) {
                problems.push(format!("services/{service}/tests: nothing calls {rpc}"));
            }
        }
    }
    nothing_wrong(problems);
}

#[test]
fn every_readme_names_what_its_service_does() {
    let mut problems = Vec::new();
    for service in services() {
        let path = format!("services/{service}/README.md");
        let text = read(&path);
        if text.is_empty() {
            problems.push(format!(
                "{path}: write what the service owns and promises, its RPCs, events and tables"
            ));
            continue;
        }
        let events = events_of(&service);
        let named = rpcs_of(&service).into_iter().chain(events.iter().map(|event| event.name().to_owned()));
        let missing = named.filter(|name| !text.contains(name.as_str()));
        problems.extend(missing.map(|name| format!("{path}: does not name {name}")));
    }
    nothing_wrong(problems);
}

#[test]
fn every_event_is_told_somewhere() {
    let mut problems = Vec::new();
    for service in services() {
        let sources = sources_below(&[&format!("services/{service}/src")]);
        let code: String =
            sources.iter().flat_map(Source::code).map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        for event in events_of(&service) {
            if !code.contains(event.name()) {
                problems.push(format!(
                    "services/{service}: {} is declared and never appended",
                    event.full_name()
                ));
            }
        }
    }
    nothing_wrong(problems);
}

#[test]
fn every_service_lists_its_rpcs_in_one_file() {
    let mut problems = Vec::new();
    for service in services() {
        for file in ["lib.rs", "rpc.rs", "error.rs", "wire.rs"] {
            let path = format!("services/{service}/src/{file}");
            if !root().join(&path).exists() {
                problems.push(format!("{path}: does not exist; every service has it"));
            }
        }
    }
    nothing_wrong(problems);
}

/// The names of all RPCs of a service, as in the contract.
fn rpcs_of(service: &str) -> Vec<String> {
    let package = format!("korob.{service}.v1");
    let services = pool().services().filter(|found| found.package_name() == package);
    services
        .flat_map(|found| found.methods().map(|method| method.name().to_owned()).collect::<Vec<_>>())
        .collect()
}

/// The messages of its events.proto that are not parts of others there.
fn events_of(service: &str) -> Vec<MessageDescriptor> {
    let file = format!("korob/{service}/v1/events.proto");
    let declared: Vec<MessageDescriptor> =
        pool().all_messages().filter(|message| message.parent_file().name() == file).collect();
    let is_part = |message: &MessageDescriptor| {
        declared
            .iter()
            .flat_map(MessageDescriptor::fields)
            .any(|field| field.kind() == Kind::Message(message.clone()))
    };
    declared.iter().filter(|message| !is_part(message)).cloned().collect()
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
