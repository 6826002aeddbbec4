//! The nouns as the contract writes them.

use ::rpc::wire::time;
use proto::access::v1 as pb;
use proto::orders::v1::OrderState;
use types::WarehouseId;

use crate::model::{
    ApiKey, Channel, ChannelAccount, LegalEntity, Organization, PublicStatusNames, Shop, ShortagePolicy,
};

pub(crate) fn organization(organization: &Organization) -> pb::Organization {
    pb::Organization {
        organization_id: organization.id.into(),
        name: organization.details.name.clone(),
        base_currency_code: organization.details.base_currency.code().to_owned(),
        etag: organization.version.to_string(),
    }
}

pub(crate) fn legal_entity(entity: &LegalEntity) -> pb::LegalEntity {
    pb::LegalEntity {
        legal_entity_id: entity.id().into(),
        name: entity.name.clone(),
        tax_id: entity.tax_id.clone(),
        bank_details: entity.bank_details.clone(),
        create_time: Some(time(entity.create_time)),
    }
}

pub(crate) fn shop(shop: &Shop) -> pb::Shop {
    let details = &shop.details;
    pb::Shop {
        shop_id: shop.id.into(),
        legal_entity_id: details.legal_entity.into(),
        name: details.name.clone(),
        time_zone: details.time_zone.name().to_owned(),
        locale: details.locale.to_string(),
        currency_code: details.currency.code().to_owned(),
        shortage_policy: shortage_policy(details.shortage_policy).into(),
        number_prefix: details.number_prefix.clone(),
        warehouse_ids: details.warehouses.iter().map(WarehouseId::to_string).collect(),
        country_code: details.country.to_string(),
        etag: shop.version.to_string(),
        create_time: Some(time(shop.create_time)),
        pay_by_minutes: details.pay_by_minutes,
        split_allowed: Some(details.split_allowed),
        quote_minutes: details.quote_minutes,
        public_status_names: public_status_names(&details.public_status_names),
        page_url: details.page_url_text(),
    }
}

pub(crate) fn channel_account(account: &ChannelAccount) -> pb::ChannelAccount {
    pb::ChannelAccount {
        source_id: account.id.into(),
        shop_id: account.shop.into(),
        channel: channel(account.channel).into(),
        name: account.name.clone(),
        always_accept: account.always_accept,
        create_time: Some(time(account.create_time)),
    }
}

pub(crate) fn api_key(key: &ApiKey) -> pb::ApiKey {
    pb::ApiKey {
        key_id: key.id().into(),
        name: key.name.clone(),
        hint: key.hint.clone(),
        shop_ids: key.shops().map(String::from).collect(),
        scopes: key.scopes.clone(),
        rate_limit: key.rate_limit,
        create_time: Some(time(key.create_time)),
        revoke_time: key.revoke_time.map(time),
    }
}

/// In the order in which an order goes through its states.
fn public_status_names(names: &PublicStatusNames) -> Vec<pb::PublicStatusName> {
    let known = names.0.iter().filter_map(|(state, names)| {
        let names = names.iter().map(|(language, name)| (language.clone(), name.clone())).collect();
        Some(pb::PublicStatusName { state: OrderState::from_str_name(state)?.into(), names })
    });
    let mut names: Vec<_> = known.collect();
    names.sort_by_key(|name| name.state);
    names
}

fn shortage_policy(policy: ShortagePolicy) -> pb::ShortagePolicy {
    match policy {
        ShortagePolicy::Refuse => pb::ShortagePolicy::Refuse,
        ShortagePolicy::Accept => pb::ShortagePolicy::Accept,
    }
}

fn channel(channel: Channel) -> pb::Channel {
    match channel {
        Channel::Site => pb::Channel::Site,
        Channel::Marketplace => pb::Channel::Marketplace,
        Channel::Messenger => pb::Channel::Messenger,
        Channel::Phone => pb::Channel::Phone,
        Channel::Social => pb::Channel::Social,
        Channel::Offline => pb::Channel::Offline,
    }
}
