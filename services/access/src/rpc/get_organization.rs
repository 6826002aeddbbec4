//! Returns the organisation.

use proto::access::v1 as pb;

use crate::error::Result;
use crate::model::Organization;
use crate::{Access, wire};

pub(crate) async fn handle(access: &Access) -> Result<pb::Organization> {
    let mut connection = access.store.connection().await?;
    let organization = Organization::load(&mut connection).await?;

    Ok(wire::organization(&organization))
}
