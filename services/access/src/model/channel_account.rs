//! An account through which orders come: a site, a marketplace account, a messenger.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use store::Error;
use types::{ShopId, SourceId};
use uuid::Uuid;

use crate::model::Fact;
use crate::schema::channel_accounts;

/// A channel account; its id is the source of orders.
#[derive(Debug, Clone)]
pub(crate) struct ChannelAccount {
    pub(crate) id: SourceId,
    pub(crate) shop: ShopId,
    pub(crate) channel: Channel,
    pub(crate) name: String,
    pub(crate) always_accept: bool,
    pub(crate) create_time: DateTime<Utc>,
}

/// The kind of a place where orders come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Site,
    Marketplace,
    Messenger,
    Phone,
    Social,
    Offline,
}

impl Channel {
    const ALL: [Self; 6] =
        [Self::Site, Self::Marketplace, Self::Messenger, Self::Phone, Self::Social, Self::Offline];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Marketplace => "marketplace",
            Self::Messenger => "messenger",
            Self::Phone => "phone",
            Self::Social => "social",
            Self::Offline => "offline",
        }
    }

    /// A marketplace has sold already when it tells: refusing its order is not possible.
    pub(crate) fn has_sold_already(self) -> bool {
        self == Self::Marketplace
    }
}

impl ChannelAccount {
    pub(crate) fn facts(&self) -> [Fact; 4] {
        [
            ("shop_id", json!(self.shop.to_string())),
            ("channel", json!(self.channel.code())),
            ("name", json!(self.name)),
            ("always_accept", json!(self.always_accept)),
        ]
    }

    pub(crate) async fn find(
        connection: &mut AsyncPgConnection,
        id: SourceId,
    ) -> Result<Option<Self>, Error> {
        let row = channel_accounts::table.find(id.uuid()).select(Row::as_select()).first(connection).await;
        row.optional()?.map(Self::try_from).transpose()
    }

    /// Accounts after `after`, oldest first; of the shops `only`, when given.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        only: Option<Vec<Uuid>>,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, Error> {
        let accounts = channel_accounts::table.select(Row::as_select());
        let mut query = accounts.order(channel_accounts::source_id).limit(limit).into_boxed();
        if let Some(only) = only {
            query = query.filter(channel_accounts::shop_id.eq_any(only));
        }
        if let Some(after) = after {
            query = query.filter(channel_accounts::source_id.gt(after));
        }
        query.load(connection).await?.into_iter().map(Self::try_from).collect()
    }

    pub(crate) async fn insert(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        diesel::insert_into(channel_accounts::table).values(Row::from(self)).execute(connection).await?;
        Ok(())
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = channel_accounts, check_for_backend(diesel::pg::Pg))]
struct Row {
    source_id: Uuid,
    shop_id: Uuid,
    channel: String,
    name: String,
    always_accept: bool,
    version: i64,
    create_time: DateTime<Utc>,
}

impl From<&ChannelAccount> for Row {
    fn from(account: &ChannelAccount) -> Self {
        Self {
            source_id: account.id.uuid(),
            shop_id: account.shop.uuid(),
            channel: account.channel.code().to_owned(),
            name: account.name.clone(),
            always_accept: account.always_accept,
            version: 1,
            create_time: account.create_time,
        }
    }
}

impl TryFrom<Row> for ChannelAccount {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let channel = Channel::ALL.into_iter().find(|channel| channel.code() == row.channel);
        Ok(Self {
            id: SourceId::from_uuid(row.source_id),
            shop: ShopId::from_uuid(row.shop_id),
            channel: channel.ok_or_else(|| Error::Corrupt(format!("the channel of {}", row.source_id)))?,
            name: row.name,
            always_accept: row.always_accept,
            create_time: row.create_time,
        })
    }
}
