//! `GET /track/{trackerCode}`: shows the buyer the way of a parcel, as a page or as JSON. Who has the link needs no key;
//! what cannot be a code and a code that nobody has are answered alike.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use prost::Message as _;
use proto::access::v1::access_service_client::AccessServiceClient;
use proto::access::v1::{GetShopRequest, Shop};
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::delivery::v1::{GetTrackerRequest, Tracker};
use rpc::{Call, Caller};
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tonic::{Response as Answer, Status};
use transcode::Api;

use super::{Result, call_as};
use crate::problem::{Problem, whole_seconds};
use crate::state::Gateway;
use crate::tracker::{Language, Page, ShopClock, policy, zone};
use crate::{languages, media_types, peer};

/// A code is a random number of 128 bits, as 32 hexadecimal digits: nobody guesses one.
const CODE_LENGTH: usize = 32;
/// When it makes sense to open a page again that could not be shown.
const RETRY_PAGE_AFTER: Duration = Duration::from_secs(30);
/// How long a page waits to be told the clock and the language of its shop.
const SHOP_PATIENCE: Duration = Duration::from_secs(1);
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// Answers as the client reads it. The layers add that nothing is kept and that links do not tell where they were.
pub(super) async fn answer(gateway: &Gateway, code: &str, patience: Duration, request: Request) -> Response {
    let wished = languages::preferred(request.headers());
    let wished = wished.as_deref().and_then(Language::first_of);
    let wants_json = media_types::prefers_json(request.headers());
    let call = call_as(Caller::service(crate::NAME), &request, patience);

    let admitted = admit(gateway, &request);
    let found = match &admitted {
        Ok(_place) => find(gateway, &call, code).await,
        Err(problem) => Err(problem.clone()),
    };
    let mut response = match found {
        Ok(tracker) if wants_json => json(&tracker).unwrap_or_else(Problem::into_response),
        Ok(tracker) => {
            let shop = shop(gateway, &call, &tracker.shop_id).await;
            let language = wished.or_else(|| Language::first_of(&shop.locale)).unwrap_or(Language::English);
            let clock = ShopClock { zone: zone(&shop.time_zone), language };
            shown(StatusCode::OK, Page::of_parcel(&tracker, clock))
        }
        Err(problem) if wants_json => problem.into_response(),
        Err(problem) => refused(&problem, wished.unwrap_or(Language::English)),
    };
    let headers = response.headers_mut();
    headers.insert(ROBOTS, HeaderValue::from_static("noindex, nofollow"));
    headers.append(VARY, HeaderValue::from(ACCEPT));
    headers.append(VARY, HeaderValue::from(ACCEPT_LANGUAGE));
    response
}

/// Lets in who does not ask too often, while there is a place.
fn admit<'g>(gateway: &'g Gateway, request: &Request) -> Result<SemaphorePermit<'g>> {
    let address = peer::address(request, &gateway.settings.trusted_proxies).map(peer::subscriber);
    let name = address.map(|address| address.to_string()).unwrap_or_default();
    let rate_limit = gateway.settings.limits.trackers_per_second_max;
    gateway.tracker_rates.take(&name, rate_limit).map_err(|wait| {
        let detail = format!("you may look {rate_limit} times per second");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail).retry_after(wait)
    })?;
    gateway.trackers.try_acquire().map_err(|_| overloaded())
}

/// The parcel that the code leads to.
async fn find(gateway: &Gateway, call: &Call, code: &str) -> Result<Tracker> {
    let is_code = code.len() == CODE_LENGTH && code.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_code {
        return Err(not_found());
    }
    let channel = gateway.channel("delivery").bind(call);
    let mut client = DeliveryServiceClient::new(channel)
        .max_decoding_message_size(gateway.settings.limits.answer_bytes_max);
    let asked = client.get_tracker(GetTrackerRequest { tracker_code: code.to_owned() });
    let late = || Err(Status::deadline_exceeded("the service did not answer in time"));
    let answered = timeout_at(call.deadline, asked).await.unwrap_or_else(|_| late());
    answered.map(Answer::into_inner).map_err(|status| match Problem::from(&status) {
        problem if problem.status == StatusCode::NOT_FOUND => not_found(),
        problem => problem,
    })
}

/// The shop of the parcel, for its clock and language. A page without them is better than none.
async fn shop(gateway: &Gateway, call: &Call, shop_id: &str) -> Shop {
    let mut client = AccessServiceClient::new(gateway.channel("access").bind(call));
    let asked = client.get_shop(GetShopRequest { shop_id: shop_id.to_owned() });
    match timeout_at(call.deadline.min(Instant::now() + SHOP_PATIENCE), asked).await {
        Ok(Ok(shop)) => shop.into_inner(),
        Ok(Err(status)) => {
            tracing::warn!(code = ?status.code(), "the access service did not name the shop of a parcel");
            Shop::default()
        }
        Err(_) => Shop::default(),
    }
}

fn json(tracker: &Tracker) -> Result<Response> {
    let api = Api::suite();
    let message = api.message("korob.delivery.v1.Tracker").ok_or_else(Problem::internal)?;
    let mut json = Vec::new();
    api.write_json(message, &tracker.encode_to_vec(), &mut json).map_err(|_| Problem::internal())?;
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A refusal as a page. It says nothing of what failed inside, only whether to come back.
fn refused(problem: &Problem, language: Language) -> Response {
    let (status, page, retry_after) = match problem.status {
        StatusCode::NOT_FOUND => (StatusCode::NOT_FOUND, Page::not_found(language), None),
        StatusCode::TOO_MANY_REQUESTS => {
            (StatusCode::TOO_MANY_REQUESTS, Page::too_many(language), problem.retry_after)
        }
        StatusCode::INTERNAL_SERVER_ERROR => (StatusCode::INTERNAL_SERVER_ERROR, Page::away(language), None),
        _ => (StatusCode::SERVICE_UNAVAILABLE, Page::away(language), Some(RETRY_PAGE_AFTER)),
    };
    let mut response = shown(status, page);
    if let Some(delay) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(delay)));
    }
    response
}

fn shown(status: StatusCode, page: Page) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(page.language.tag()));
    headers.insert(CONTENT_SECURITY_POLICY, policy());
    (status, headers, page.html).into_response()
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such parcel")
}

fn overloaded() -> Problem {
    let detail = "too many parcels are being shown; try again shortly";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", detail).retry_after(Duration::from_secs(1))
}
