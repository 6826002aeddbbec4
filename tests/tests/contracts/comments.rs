//! The contracts are the documentation: OpenAPI shows their comments to partners.

use std::collections::HashSet;

use crate::nothing_wrong;
use crate::suite::{enums, messages, methods};

#[test]
fn services_methods_messages_and_enums_are_explained() {
    let commented = commented();
    let explained = |file: &str, path: &[i32]| commented.contains(&(file.to_owned(), path.to_vec()));
    let mut problems = Vec::new();
    for method in methods() {
        let service = method.descriptor.parent_service();
        let file = service.parent_file().name().to_owned();
        if !explained(&file, method.descriptor.path()) {
            problems.push(format!("{}: say in a comment what it does", method.full_name()));
        }
        if !explained(&file, service.path()) {
            problems.push(format!("{}: say in a comment what it owns", service.full_name()));
        }
    }
    for message in messages().filter(|message| !explained(message.parent_file().name(), message.path())) {
        problems.push(format!("{}: say in a comment what it is", message.full_name()));
    }
    for found in enums().filter(|found| !explained(found.parent_file().name(), found.path())) {
        problems.push(format!("{}: say in a comment what it tells apart", found.full_name()));
    }
    problems.dedup();
    nothing_wrong(problems);
}

#[test]
fn every_file_begins_with_its_purpose() {
    const SYNTAX: i32 = 12; // The field of FileDescriptorProto whose leading comment is the file's.
    let commented = commented();
    let files = proto::pool().files().filter(|file| file.package_name().starts_with("korob."));
    let silent = files.filter(|file| !commented.contains(&(file.name().to_owned(), vec![SYNTAX])));
    nothing_wrong(
        silent.map(|file| format!("{}: begin with a comment before `syntax`", file.name())).collect(),
    );
}

/// Where leading comments stand, by file and path in it.
fn commented() -> HashSet<(String, Vec<i32>)> {
    let mut places = HashSet::new();
    for file in proto::pool().file_descriptor_protos() {
        for location in file.source_code_info.iter().flat_map(|info| &info.location) {
            if !location.leading_comments().trim().is_empty() {
                places.insert((file.name().to_owned(), location.path.clone()));
            }
        }
    }
    places
}
