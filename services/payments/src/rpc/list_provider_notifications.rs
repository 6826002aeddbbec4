//! Lists what providers told, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::PaymentAccountId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::notification::{NotificationRow, NotificationState};
use crate::schema::provider_notifications as rows;
use crate::{Payments, wire};

struct Wanted {
    account: Option<PaymentAccountId>,
    state: Option<NotificationState>,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::ListProviderNotificationsRequest,
) -> Result<pb::ListProviderNotificationsResponse> {
    let Wanted { account, state, page } = parse(payments, request)?;

    let mut query = rows::table.select(NotificationRow::as_select()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(rows::shop_id.eq_any(shops));
    }
    if let Some(account) = account {
        query = query.filter(rows::account_id.eq(account.uuid()));
    }
    if let Some(state) = state {
        query = query.filter(rows::state.eq(state.as_str()));
    }
    if let Some((time, id)) = page.after {
        let earlier = rows::receive_time.lt(time);
        query = query.filter(earlier.or(rows::receive_time.eq(time).and(rows::notification_id.lt(id))));
    }
    let mut connection = payments.store.connection().await?;
    let newest_first = query.order((rows::receive_time.desc(), rows::notification_id.desc()));
    let found: Vec<NotificationRow> = newest_first.limit(page.limit()).load(&mut connection).await?;

    let (found, next_page_token) = page.cut(&payments.store, found, NotificationRow::key);
    let found = found.into_iter().map(NotificationRow::read).collect::<Result<Vec<_>>>()?;
    let notifications = found.iter().map(wire::notification).collect();
    Ok(pb::ListProviderNotificationsResponse { notifications, next_page_token })
}

fn parse(payments: &Payments, request: pb::ListProviderNotificationsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let account = fields.parse_optional("provider_account_id", &request.provider_account_id);
    let state = match pb::NotificationState::try_from(request.state) {
        Ok(pb::NotificationState::Unspecified) => None,
        Ok(pb::NotificationState::Pending) => Some(NotificationState::Pending),
        Ok(pb::NotificationState::Applied) => Some(NotificationState::Applied),
        Ok(pb::NotificationState::Ignored) => Some(NotificationState::Ignored),
        Ok(pb::NotificationState::Unmatched) => Some(NotificationState::Unmatched),
        Ok(pb::NotificationState::Failed) => Some(NotificationState::Failed),
        Err(_) => {
            fields.refuse("state", "UNKNOWN_VALUE", "is not a state of a notification");
            None
        }
    };
    fields.finish()?;
    let filters =
        pb::ListProviderNotificationsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&payments.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { account, state, page })
}
