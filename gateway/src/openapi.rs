//! The description of the whole REST API: the routes from the contracts and the few that are written by hand.

mod by_hand;

use serde_json::Value;
use transcode::{Api, Info};

use by_hand::paths;

const DESCRIPTION: &str = "An open order desk for online shops. Every operation lists the scope that the key must hold. \
Names are lowerCamelCase; requests may also use snake_case. Unknown fields are refused by name; null is the same as leaving a field out. Refusals are RFC 9457 \
problems whose `reason` never changes its meaning.";

/// The document as it is served and kept in `gateway/openapi.json`.
pub fn text() -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(&document())?;
    text.push('\n');
    Ok(text)
}

pub(crate) fn document() -> Value {
    let info = Info {
        title: "Korob".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: DESCRIPTION.to_owned(),
        more_paths: paths(),
        more_messages: [
            "korob.catalog.v1.ImportFeedProgress",
            "korob.catalog.v1.ImportFeedSettings",
            "korob.delivery.v1.Tracker",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    transcode::openapi(Api::suite(), &info)
}
