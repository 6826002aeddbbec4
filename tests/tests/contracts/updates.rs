//! An update takes the resource with its etag and a mask, and answers the resource.

use prost_reflect::Kind;

use crate::nothing_wrong;
use crate::suite::{holds, is_required, methods};

#[test]
fn every_update_takes_a_resource_and_a_mask() {
    let mut problems = Vec::new();
    for method in methods().iter().filter(|method| method.name().starts_with("Update")) {
        let request = method.descriptor.input();
        let mask = request.get_field_by_name("update_mask");
        if !mask.is_some_and(|mask| holds(&mask, "google.protobuf.FieldMask") && is_required(&mask)) {
            problems
                .push(format!("{}: add `google.protobuf.FieldMask update_mask`, required", request.name()));
        }

        let resource = method.descriptor.output();
        let field = request.fields().find(|field| holds(field, resource.full_name()));
        match field {
            Some(field) if is_required(&field) => {}
            Some(field) => problems.push(format!("{}.{}: mark it required", request.name(), field.name())),
            None => {
                problems.push(format!("{}: takes the {} that it answers", request.name(), resource.name()))
            }
        }
        let etag = resource.get_field_by_name("etag");
        if !etag.is_some_and(|etag| etag.kind() == Kind::String) {
            problems.push(format!("{}: what can be updated needs `string etag`", resource.name()));
        }
    }
    nothing_wrong(problems);
}
