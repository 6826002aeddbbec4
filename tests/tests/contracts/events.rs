//! Events name what happened, in the past, and hold no person: they are kept for long and read by many.

use std::collections::HashSet;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use proto::api::v1::DataClass;

use crate::nothing_wrong;
use crate::suite::{data_class, messages};

/// Events whose name is not a past participle, each with its reason.
const NOT_A_PARTICIPLE: [(&str, &str); 1] = [("StockShort", "nobody did it: a correction left too little")];

/// A field with one of these names is whatever somebody typed.
const FREE_TEXT: [&str; 8] =
    ["comment", "description", "instructions", "location", "message", "note", "text", "words"];

/// Free text that events may hold, each with its reason.
const FREE_TEXT_IN_EVENTS: [(&str, &str); 4] = [
    ("korob.catalog.v1.Product.description", "shown to every visitor of the shop"),
    ("korob.payments.v1.Payment.instructions", "made by the suite: how to pay the shop"),
    ("korob.delivery.v1.TrackingEvent.description", "the carrier's words about the parcel"),
    ("korob.delivery.v1.TrackingEvent.location", "the carrier's depot"),
];

#[test]
fn no_event_holds_personal_data_or_secrets() {
    let mut problems = Vec::new();
    look_into_events(&mut |path, field| {
        if matches!(data_class(field), DataClass::Personal | DataClass::Secret) {
            problems.push(format!("{path}: tell the person's id instead, or a snapshot without the field"));
        }
    });
    nothing_wrong(problems);
}

#[test]
fn no_event_holds_free_text() {
    let mut problems = Vec::new();
    look_into_events(&mut |path, field| {
        let excused = FREE_TEXT_IN_EVENTS.iter().any(|(name, _)| *name == field.full_name());
        if FREE_TEXT.contains(&field.name()) && field.kind() == Kind::String && !excused {
            problems.push(format!(
                "{path}: people write about people; leave it out or add it to FREE_TEXT_IN_EVENTS"
            ));
        }
    });
    nothing_wrong(problems);
}

#[test]
fn events_are_named_in_the_past() {
    let mut problems = Vec::new();
    for event in events() {
        let excused = NOT_A_PARTICIPLE.iter().any(|(name, _)| *name == event.name());
        if !event.name().ends_with("ed") && !excused {
            problems.push(format!("{}: name it for what happened, such as OrderPlaced", event.full_name()));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn changes_tell_which_fields_changed() {
    let changed = events().into_iter().filter(|event| event.name().ends_with("Changed"));
    // A price is one field.
    let silent = changed.filter(|event| {
        event.get_field_by_name("changed_fields").is_none() && event.name() != "PriceChanged"
    });
    nothing_wrong(
        silent.map(|event| format!("{}: add `repeated string changed_fields`", event.full_name())).collect(),
    );
}

#[test]
fn the_suite_has_events() {
    assert!(
        events().len() > 15,
        "the descriptors were not read; every other test here would pass without checking"
    );
}

/// The messages of every events.proto that are not parts of others there.
fn events() -> Vec<MessageDescriptor> {
    let of_events = |message: &MessageDescriptor| message.parent_file().name().ends_with("/events.proto");
    let declared: Vec<MessageDescriptor> = messages().filter(of_events).collect();
    let parts: HashSet<String> = declared
        .iter()
        .flat_map(MessageDescriptor::fields)
        .filter_map(|field| match field.kind() {
            Kind::Message(part) => Some(part.full_name().to_owned()),
            _ => None,
        })
        .collect();
    declared.into_iter().filter(|message| !parts.contains(message.full_name())).collect()
}

/// Shows every field that is reachable from an event, with the way to it.
fn look_into_events(look: &mut dyn FnMut(&str, &FieldDescriptor)) {
    for event in events() {
        look_into(&event, event.name(), &mut HashSet::new(), look);
    }
}

fn look_into(
    message: &MessageDescriptor,
    path: &str,
    open: &mut HashSet<String>,
    look: &mut dyn FnMut(&str, &FieldDescriptor),
) {
    if !open.insert(message.full_name().to_owned()) {
        return; // A recursive message: its fields are being looked at already.
    }
    for field in message.fields() {
        let path = format!("{path}.{}", field.name());
        look(&path, &field);
        if let Kind::Message(inner) = field.kind() {
            look_into(&inner, &path, open, look);
        }
    }
    open.remove(message.full_name());
}
