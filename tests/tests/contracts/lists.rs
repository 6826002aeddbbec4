//! Every list comes in pages, with the same three fields.

use prost_reflect::{Cardinality, FieldDescriptor, Kind};

use crate::nothing_wrong;
use crate::suite::{Method, methods};

#[test]
fn every_list_comes_in_pages() {
    let mut problems = Vec::new();
    for method in methods().iter().filter(|method| is_list(method)) {
        let (request, response) = (method.descriptor.input(), method.descriptor.output());
        let mut demand = |field: Option<FieldDescriptor>, kind: Kind, owner: &str, name: &str| {
            let right = field
                .is_some_and(|field| field.kind() == kind && field.cardinality() == Cardinality::Optional);
            if !right {
                problems.push(format!("{owner}: a list needs `{kind:?} {name}`"));
            }
        };
        demand(request.get_field_by_name("page_size"), Kind::Int32, request.name(), "page_size");
        demand(request.get_field_by_name("page_token"), Kind::String, request.name(), "page_token");
        demand(
            response.get_field_by_name("next_page_token"),
            Kind::String,
            response.name(),
            "next_page_token",
        );
        if !response.fields().any(|field| field.is_list() && matches!(field.kind(), Kind::Message(_))) {
            problems.push(format!("{}: a page needs a repeated message", response.name()));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn no_list_counts_offsets() {
    let offsets = methods().into_iter().filter(|method| {
        ["offset", "page", "page_number", "skip"].iter().any(|name| method.request_field(name).is_some())
    });
    nothing_wrong(
        offsets
            .map(|method| format!("{}: pages are asked for by token, not by number", method.full_name()))
            .collect(),
    )
}

fn is_list(method: &Method) -> bool {
    let pages = method.descriptor.output().get_field_by_name("next_page_token").is_some();
    method.name().starts_with("List") || pages || method.request_field("page_token").is_some()
}
