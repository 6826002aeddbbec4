//! Lists a carrier's branches and lockers in a city, by code.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::CarrierAccountId;

use super::address_fields::country_code;
use crate::carriers::{CarrierError, PickupPoint};
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::model::carrier_account::CarrierAccount;
use crate::model::carrier_account_rows;
use crate::{Delivery, wire};

const CITY_LENGTH_MAX: usize = 100;
const TEXT_LENGTH_MAX: usize = 100;
/// Branches open and close by the day, not by the minute.
const LIFE: Duration = Duration::from_secs(3600);
const CITIES_MAX: usize = 500;

/// The branches of a city of an account.
pub struct KnownPoints(Memory<(CarrierAccountId, String, String), Vec<PickupPoint>>);

impl Default for KnownPoints {
    fn default() -> Self {
        Self(Memory::new(LIFE, CITIES_MAX))
    }
}

struct Wanted {
    account_id: CarrierAccountId,
    country_code: String,
    city: String,
    text: String,
    page: Page<String>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListPickupPointsRequest,
) -> Result<pb::ListPickupPointsResponse> {
    let wanted = parse(delivery, request)?;

    let account = visible(delivery, call, wanted.account_id).await?;
    let points = points(delivery, &account, &wanted).await?;

    let after = wanted.page.after.as_deref().unwrap_or_default();
    let fitting = points.iter().filter(|point| point.code.as_str() > after && fits(point, &wanted.text));
    let limit = usize::try_from(wanted.page.limit()).unwrap_or(1);
    let (found, next_page_token) =
        wanted.page.cut(&delivery.store, fitting.take(limit).collect(), |point| point.code.clone());
    let pickup_points = found.into_iter().map(wire::pickup_point).collect();
    Ok(pb::ListPickupPointsResponse { pickup_points, next_page_token })
}

fn parse(delivery: &Delivery, request: pb::ListPickupPointsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let account_id = fields.parse("carrier_account_id", &request.carrier_account_id);
    let country_code = country_code(&mut fields, "country_code", &request.country_code);
    let city = fields.required_text("city", &request.city, CITY_LENGTH_MAX).trim().to_owned();
    let text = fields.text("text", &request.text, TEXT_LENGTH_MAX).trim().to_lowercase();
    let account_id = fields.finish_with(account_id)?;
    let filters = pb::ListPickupPointsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { account_id, country_code, city, text, page })
}

async fn visible(delivery: &Delivery, call: &Call, id: CarrierAccountId) -> Result<CarrierAccount> {
    let mut connection = delivery.store.connection().await?;
    let found = carrier_account_rows::find(&delivery.store, &mut connection, id).await?;
    let shops = &call.caller.shops;
    let visible = found.filter(|account| account.shop_id.is_none_or(|shop| shops.allow(shop)));
    visible.ok_or(Error::CarrierAccountNotFound)
}

/// The branches of a city by code, from memory or from the carrier.
async fn points(
    delivery: &Delivery,
    account: &CarrierAccount,
    wanted: &Wanted,
) -> Result<Arc<Vec<PickupPoint>>> {
    let question = (account.id, wanted.country_code.clone(), wanted.city.to_lowercase());
    let known = &delivery.known_points.0;
    if let Some(points) = known.recall(&question) {
        return Ok(points);
    }
    let carrier = delivery.carriers.outside(account);
    let points = carrier.pickup_points(&wanted.country_code, &wanted.city).await;
    let mut points = match points {
        Ok(points) => points,
        Err(CarrierError::Refused(_)) => Vec::new(),
        Err(CarrierError::Ours(error)) => return Err(error.into()),
        Err(error) => {
            tracing::info!(%error, carrier = carrier.name(), "a carrier's branches could not be asked for");
            return Err(Error::CarrierUnavailable);
        }
    };
    points.retain(|point| !point.code.is_empty());
    points.sort_by(|one, other| one.code.cmp(&other.code));
    points.dedup_by(|one, other| one.code == other.code);
    let points = Arc::new(points);
    known.keep(question, points.clone());
    Ok(points)
}

fn fits(point: &PickupPoint, text: &str) -> bool {
    let has = |field: &str| field.to_lowercase().contains(text);
    text.is_empty() || has(&point.name) || has(&point.street) || has(&point.code)
}
