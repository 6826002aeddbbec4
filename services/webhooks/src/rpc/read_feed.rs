//! Returns what changed after a cursor, as far as the caller may hear it.

use std::time::Duration;

use ::rpc::{Call, Fields};
use proto::webhooks::v1 as pb;
use tokio::time::Instant;

use super::feed_fields::{self, From, Said};
use crate::Webhooks;
use crate::error::{Error, Result};
use crate::feed::cursor::Cursor;
use crate::feed::page::{self, Found};

const LIMIT_MAX: i32 = 200;
const LIMIT_DEFAULT: i32 = 50;
/// How long one call passes over what the caller may not hear before it answers how far it came.
const SCAN: Duration = Duration::from_secs(1);

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::ReadFeedRequest,
) -> Result<pb::ReadFeedResponse> {
    let begun = Instant::now();
    let mut fields = Fields::new();
    fields.check((0..=LIMIT_MAX).contains(&request.limit), "limit", "OUT_OF_RANGE", "0 to 200; 0 means 50");
    let limit = if request.limit == 0 { LIMIT_DEFAULT } else { request.limit };
    let said = Said {
        after: &request.after,
        types: &request.types,
        shop_id: &request.shop_id,
        except_own: request.except_own,
    };
    let (wanted, from) =
        feed_fields::read(webhooks, call, fields, &said, usize::try_from(limit).unwrap_or(1))?;

    let mut cursor = match from {
        From::Cursor(cursor) => cursor,
        From::Nowhere => Cursor::default(),
        From::Latest => {
            let next_cursor = feed_fields::latest(webhooks).await?.seal(&webhooks.store);
            return Ok(pb::ReadFeedResponse { events: Vec::new(), next_cursor, more: false });
        }
    };
    loop {
        let Found { events, cursor: next, more, unread } =
            page::read(&webhooks.store, &webhooks.streams, cursor, &wanted).await?;
        if let (true, Some(status)) = (events.is_empty() && !more, unread) {
            return Err(Error::Upstream(status));
        }
        if !events.is_empty() || !more || begun.elapsed() > SCAN {
            let next_cursor = next.seal(&webhooks.store);
            return Ok(pb::ReadFeedResponse { events, next_cursor, more });
        }
        cursor = next;
    }
}
