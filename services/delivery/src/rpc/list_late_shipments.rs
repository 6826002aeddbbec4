//! Lists parcels that wait too long for what should have happened, longest first.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Page, cached_sql};
use types::ShopId;
use uuid::Uuid;

use super::list_delivery_methods::visible_shops;
use crate::error::Result;
use crate::model::shipment::Shipment;
use crate::model::shipment_rows;
use crate::model::watch;
use crate::{Delivery, wire};

/// The longest wait that can be asked for: a year.
const HOURS_MAX: i32 = 24 * 366;

/// What a parcel waits for.
#[derive(Debug, Clone, Copy)]
enum Late {
    NeverScanned,
    Stored,
    NoMovement,
    CashOverdue,
    NotBooked,
}

struct Wanted {
    late: Late,
    shop_id: Option<ShopId>,
    waiting: TimeDelta,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListLateShipmentsRequest,
) -> Result<pb::ListLateShipmentsResponse> {
    let wanted = parse(delivery, request)?;

    let before = delivery.store.clock().now() - wanted.waiting;
    let shops = visible_shops(call, wanted.shop_id);
    let mut connection = delivery.store.connection().await?;
    let found = find(&mut connection, &wanted, before, shops).await?;

    let (found, next_page_token) = wanted.page.cut(&delivery.store, found, |row| *row);
    let ids: Vec<Uuid> = found.iter().map(|(_, id)| *id).collect();
    let parcels = shipment_rows::find_all(&mut connection, &ids).await?;
    let mut parcels: HashMap<Uuid, Shipment> =
        parcels.into_iter().map(|parcel| (parcel.id.uuid(), parcel)).collect();
    let late_shipments = found.into_iter().filter_map(|(since, id)| {
        let shipment = Some(wire::shipment(&parcels.remove(&id)?));
        Some(pb::LateShipment { shipment, since_time: Some(rpc::wire::time(since)) })
    });
    Ok(pb::ListLateShipmentsResponse { late_shipments: late_shipments.collect(), next_page_token })
}

fn parse(delivery: &Delivery, request: pb::ListLateShipmentsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let late = match pb::LateKind::try_from(request.late_kind) {
        Ok(pb::LateKind::NeverScanned) => Some(Late::NeverScanned),
        Ok(pb::LateKind::Stored) => Some(Late::Stored),
        Ok(pb::LateKind::NoMovement) => Some(Late::NoMovement),
        Ok(pb::LateKind::CashOverdue) => Some(Late::CashOverdue),
        Ok(pb::LateKind::NotBooked) => Some(Late::NotBooked),
        Ok(pb::LateKind::Unspecified) => {
            fields.refuse("late_kind", "REQUIRED", "say what they wait for");
            None
        }
        Err(_) => {
            fields.refuse("late_kind", "UNKNOWN_VALUE", "is not something a parcel waits for");
            None
        }
    };
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let hours = request.hours_min;
    fields.check((0..=HOURS_MAX).contains(&hours), "hours_min", "OUT_OF_RANGE", "0 to a year of hours");
    let late = fields.finish_with(late)?;
    let filters = pb::ListLateShipmentsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    let waiting = if hours == 0 { late.limit() } else { TimeDelta::hours(hours.into()) };
    Ok(Wanted { late, shop_id, waiting, page })
}

impl Late {
    /// How long is too long when the caller does not say.
    const fn limit(self) -> TimeDelta {
        match self {
            Self::NeverScanned => watch::NEVER_SCANNED_AFTER,
            Self::Stored => watch::STORED_AFTER,
            Self::NoMovement => watch::NO_MOVEMENT_AFTER,
            Self::CashOverdue => watch::CASH_OVERDUE_AFTER,
            Self::NotBooked => watch::NOT_BOOKED_AFTER,
        }
    }

    /// One statement each: what they filter by is spelled out, so that each walks along its own index.
    const fn sql(self) -> &'static str {
        match self {
            Self::NeverScanned => {
                "SELECT book_time, shipment_id FROM shipments
                 WHERE state = 'booked' AND status = 'pending' AND carrier <> 'pickup' AND book_time <= $1
                   AND (book_time, shipment_id) > ($2, $3) AND ($4 OR shop_id = ANY($5))
                 ORDER BY book_time, shipment_id LIMIT $6"
            }
            Self::Stored => {
                "SELECT stored_time, shipment_id FROM shipments
                 WHERE status = 'ready_for_pickup' AND carrier <> 'pickup' AND stored_time <= $1
                   AND (stored_time, shipment_id) > ($2, $3) AND ($4 OR shop_id = ANY($5))
                 ORDER BY stored_time, shipment_id LIMIT $6"
            }
            Self::NoMovement => {
                "SELECT moved_time, shipment_id FROM shipments
                 WHERE status IN ('picked_up', 'in_transit', 'out_for_delivery', 'on_hold', 'delivery_delayed',
                                  'delivery_failed', 'unknown')
                   AND moved_time <= $1
                   AND (moved_time, shipment_id) > ($2, $3) AND ($4 OR shop_id = ANY($5))
                 ORDER BY moved_time, shipment_id LIMIT $6"
            }
            Self::CashOverdue => {
                "SELECT delivered_time, shipment_id FROM shipments
                 WHERE status = 'delivered' AND cash_expected > 0 AND cash_expected > coalesce(cash_received, 0)
                   AND delivered_time <= $1
                   AND (delivered_time, shipment_id) > ($2, $3) AND ($4 OR shop_id = ANY($5))
                 ORDER BY delivered_time, shipment_id LIMIT $6"
            }
            Self::NotBooked => {
                "SELECT create_time, shipment_id FROM shipments
                 WHERE state IN ('booking', 'booking_failed') AND create_time <= $1
                   AND (create_time, shipment_id) > ($2, $3) AND ($4 OR shop_id = ANY($5))
                 ORDER BY create_time, shipment_id LIMIT $6"
            }
        }
    }
}

async fn find(
    conn: &mut AsyncPgConnection,
    wanted: &Wanted,
    before: DateTime<Utc>,
    shops: Option<Vec<Uuid>>,
) -> Result<Vec<(DateTime<Utc>, Uuid)>> {
    let (time, id) = wanted.page.after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    let found = cached_sql(wanted.late.sql())
        .bind::<Timestamptz, _>(before)
        .bind::<Timestamptz, _>(time)
        .bind::<SqlUuid, _>(id)
        .bind::<Bool, _>(shops.is_none())
        .bind::<Array<SqlUuid>, _>(shops.unwrap_or_default())
        .bind::<BigInt, _>(wanted.page.limit())
        .returns::<(Timestamptz, SqlUuid)>();
    Ok(found.load(conn).await?)
}
