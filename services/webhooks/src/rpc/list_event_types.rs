//! Lists the kinds of changes that partners can be told of, by name.

use ::rpc::Call;
use proto::webhooks::v1 as pb;
use store::Page;

use crate::error::Result;
use crate::{Webhooks, kinds, wire};

pub(crate) async fn handle(
    webhooks: &Webhooks,
    _call: &Call,
    request: pb::ListEventTypesRequest,
) -> Result<pb::ListEventTypesResponse> {
    let store = &webhooks.store;
    let page: Page<String> = Page::parse(store, request.page_size, &request.page_token, b"event types")?;

    let after = page.after.clone().unwrap_or_default();
    let behind = kinds::all().iter().filter(|kind| kind.name > after.as_str());
    let kinds: Vec<_> = behind.take(usize::try_from(page.limit()).unwrap_or(1)).collect();

    let (kinds, next_page_token) = page.cut(store, kinds, |kind| kind.name.to_owned());
    let event_types = kinds.into_iter().map(wire::event_type).collect();
    Ok(pb::ListEventTypesResponse { event_types, next_page_token })
}
