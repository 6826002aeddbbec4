//! Registers an account through which orders come.

use ::rpc::{Call, Fields, Invalid};
use chrono::{DateTime, Utc};
use proto::access::v1 as pb;
use store::{Audit, Once, Tx};
use types::SourceId;

use crate::error::{Error, Result};
use crate::model::{Changes, ChannelAccount, Shop};
use crate::request::NAME_LENGTH_MAX;
use crate::{Access, request, wire};

const METHOD: &str = "access.create_channel_account";

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::CreateChannelAccountRequest,
) -> Result<pb::ChannelAccount> {
    let account = parse(&request, access.store.clock().now())?;
    if !call.caller.shops.allow(account.shop) {
        return Err(Error::ShopNotFound(account.shop));
    }

    let scope = account.shop.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &request.idempotency_key };
    access
        .store
        .once(call, once, &request, async |tx: &mut Tx| {
            if let Some(shop) = Shop::missing(tx.conn(), &[account.shop]).await? {
                return Err(Error::ShopNotFound(shop));
            }

            account.insert(tx.conn()).await?;

            let audit = Audit::new(METHOD, account.id).shop(account.shop.uuid());
            tx.audit(Changes::of_new(account.facts()).into_audit(audit));
            Ok(wire::channel_account(&account))
        })
        .await
}

fn parse(request: &pb::CreateChannelAccountRequest, now: DateTime<Utc>) -> Result<ChannelAccount, Invalid> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let account = fields.present("channel_account", request.channel_account.as_ref()).and_then(|account| {
        let shop = fields.parse("channel_account.shop_id", &account.shop_id);
        let channel = request::channel(&mut fields, "channel_account.channel", account.channel);
        let name = fields.required_text("channel_account.name", &account.name, NAME_LENGTH_MAX);
        let (shop, channel) = shop.zip(channel)?;
        Some(ChannelAccount {
            id: SourceId::new(),
            shop,
            channel,
            name,
            always_accept: account.always_accept || channel.has_sold_already(),
            create_time: now,
        })
    });
    fields.finish_with(account)
}
