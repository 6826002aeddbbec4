//! Keeps what a provider tells, once it is proved to be the provider's; it is applied after the answer.

use std::net::{IpAddr, SocketAddr};

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use sha2::{Digest, Sha256};
use store::{Audit, Tx};
use types::{PaymentAccountId, ProviderNotificationId};

use crate::Payments;
use crate::error::{Error, Result};
use crate::model::account;
use crate::model::notification::{self, Arrival, Notification, NotificationState};
use crate::providers::{Subject, Webhook};

const METHOD: &str = "payments.receive_provider_webhook";
/// The largest body that is kept.
const BODY_BYTES_MAX: usize = 256 << 10;
const WORD_LENGTH_MAX: usize = 200;

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::ReceiveProviderWebhookRequest,
) -> Result<pb::ReceiveProviderWebhookResponse> {
    let id = parse(&request)?;
    let found = account::find(&mut *payments.store.connection().await?, id).await?;
    let account = found.ok_or(Error::PaymentAccountNotFound)?;
    let provider = payments.providers.of(account.kind).ok_or(Error::PaymentAccountNotFound)?;
    let access = account.open(&payments.store)?;
    let peer = read_peer(&request.peer_address);
    let webhook = Webhook { headers: &request.headers, body: &request.body, peer };
    let now = payments.store.clock().now();
    provider.verify(&access, &webhook, now).map_err(|_untrusted| Error::InvalidSignature)?;

    let notice = provider.read(&request.body);
    let digest = || Sha256::digest(&request.body).iter().map(|byte| format!("{byte:02x}")).collect();
    let event_key = notice.as_ref().and_then(|notice| notice.event_id.clone()).unwrap_or_else(digest);
    let subject = notice.as_ref().map_or(&Subject::Nothing, |notice| &notice.subject);
    let id = ProviderNotificationId::new();
    let told = Notification {
        id,
        account: account.id,
        shop: account.shop,
        event_key: short(&event_key),
        kind: short(notice.as_ref().map(|notice| notice.kind.as_str()).unwrap_or_default()),
        reference: short(subject.reference()),
        body_sealed: payments.store.seal(&request.body, &notification::context(id)),
        state: NotificationState::Pending,
        failure_code: String::new(),
        deliveries: 1,
        tries: 0,
        next_try_time: Some(now),
        payment: None,
        receive_time: now,
        apply_time: None,
    };
    let kept = payments.store.transaction(call, async |tx: &mut Tx| {
        let (kept, arrival) = notification::keep(tx, &told).await?;
        if arrival == Arrival::First {
            let audit = Audit::new(METHOD, kept).shop(told.shop.uuid());
            tx.audit(audit.set("type", told.kind.as_str()).set("reference", told.reference.as_str()));
        }
        Ok::<_, Error>(kept)
    });
    let notification_id = kept.await?.to_string();
    payments.nudge.notify_waiters();
    Ok(pb::ReceiveProviderWebhookResponse { notification_id })
}

fn parse(request: &pb::ReceiveProviderWebhookRequest) -> Result<PaymentAccountId> {
    let mut fields = Fields::new();
    let id = fields.parse("provider_account_id", &request.provider_account_id);
    fields.check(request.body.len() <= BODY_BYTES_MAX, "body", "TOO_LONG", "at most 256 KiB");
    Ok(fields.finish_with(id)?)
}

/// An address with or without a port.
fn read_peer(text: &str) -> Option<IpAddr> {
    let address: Option<IpAddr> = text.parse().ok();
    address.or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))
}

/// Words of others, without what a column cannot hold.
fn short(word: &str) -> String {
    word.chars().filter(|letter| !letter.is_control()).take(WORD_LENGTH_MAX).collect()
}
