//! Lists legal entities by name.
//!
//! They belong to the organisation: who manages it sees all of them, others see those of their shops.

use ::rpc::Call;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proto::access::v1 as pb;
use store::Page;
use uuid::Uuid;

use crate::error::Result;
use crate::model::LegalEntity;
use crate::schema::{legal_entities, shops};
use crate::{Access, wire};

/// Who holds it manages the organisation.
const MANAGING_SCOPE: &str = "access.write";

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::ListLegalEntitiesRequest,
) -> Result<pb::ListLegalEntitiesResponse> {
    let page: Page<(String, Uuid)> =
        Page::parse(&access.store, request.page_size, &request.page_token, b"legal entities")?;
    let only = call.caller.shops.filter().filter(|_| !call.caller.may(MANAGING_SCOPE));

    let mut query = legal_entities::table
        .select(LegalEntity::as_select())
        .order((legal_entities::name, legal_entities::legal_entity_id))
        .limit(page.limit())
        .into_boxed();
    if let Some(only) = only {
        let of_shops = shops::table.filter(shops::shop_id.eq_any(only)).select(shops::legal_entity_id);
        query = query.filter(legal_entities::legal_entity_id.eq_any(of_shops));
    }
    if let Some((name, id)) = page.after.clone() {
        let same_name = legal_entities::name.eq(name.clone()).and(legal_entities::legal_entity_id.gt(id));
        query = query.filter(legal_entities::name.gt(name).or(same_name));
    }
    let mut connection = access.store.connection().await?;
    let entities = query.load(&mut connection).await?;

    let (entities, next_page_token) =
        page.cut(&access.store, entities, |entity| (entity.name.clone(), entity.id().uuid()));
    let legal_entities = entities.iter().map(wire::legal_entity).collect();
    Ok(pb::ListLegalEntitiesResponse { legal_entities, next_page_token })
}
