//! Channel accounts: the sources of orders.

use proto::access::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::office::{Office, READ, WRITE, nobody, register};

fn get(source_id: &str) -> pb::GetChannelAccountRequest {
    pb::GetChannelAccountRequest { source_id: source_id.to_owned() }
}

fn list(shop_id: &str) -> pb::ListChannelAccountsRequest {
    pb::ListChannelAccountsRequest { shop_id: shop_id.to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marketplace_is_always_accepted_a_site_when_it_says_so() {
    let office = Office::open().await;
    let shop = office.shop("Shop").await;

    assert!(office.account(&shop, pb::Channel::Marketplace).await.always_accept);
    assert!(!office.account(&shop, pb::Channel::Site).await.always_accept);
    let mut eager = register(&shop, pb::Channel::Phone, "hot line");
    eager.channel_account.as_mut().unwrap().always_accept = true;
    assert!(office.operator().create_channel_account(eager).await.unwrap().into_inner().always_accept);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_channel_can_be_registered_and_read() {
    use pb::Channel::{Marketplace, Messenger, Offline, Phone, Site, Social};
    let office = Office::open().await;
    let shop = office.shop("Shop").await;
    for channel in [Site, Marketplace, Messenger, Phone, Social, Offline] {
        let made = office.account(&shop, channel).await;
        let read = office.operator().get_channel_account(get(&made.source_id)).await.unwrap().into_inner();
        assert_eq!(read, made);
        assert_eq!(read.channel(), channel);
        assert_eq!(office.history_of(&made.source_id).await, ["access.create_channel_account"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_answers_the_same_account() {
    let office = Office::open().await;
    let request = register(&office.shop("Shop").await, pb::Channel::Site, "site");
    let first = office.operator().create_channel_account(request.clone()).await.unwrap().into_inner();
    let repeat = office.operator().create_channel_account(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, repeat);
    let mut other = request;
    other.channel_account.as_mut().unwrap().name = "other".to_owned();
    assert_eq!(
        refusal(office.operator().create_channel_account(other).await).reason,
        "IDEMPOTENCY_KEY_REUSED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_accounts_and_shops_are_like_absent_ones() {
    let office = Office::open().await;
    let (mine, foreign) = (office.shop("mine").await, office.shop("foreign").await);
    let (own, other) =
        (office.account(&mine, pb::Channel::Site).await, office.account(&foreign, pb::Channel::Site).await);
    let mut partner = office.partner(&[&mine], &[READ, WRITE]);

    for hidden in [other.source_id.clone(), nobody("src")] {
        let refused = refusal(partner.get_channel_account(get(&hidden)).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "CHANNEL_ACCOUNT_NOT_FOUND"));
    }
    let refused =
        refusal(partner.create_channel_account(register(&foreign, pb::Channel::Site, "mine")).await);
    assert_eq!(refused.reason, "SHOP_NOT_FOUND");
    let absent = pb::Shop { shop_id: nobody("shp"), ..foreign.clone() };
    let refused =
        refusal(office.operator().create_channel_account(register(&absent, pb::Channel::Site, "x")).await);
    assert_eq!(refused.reason, "SHOP_NOT_FOUND");

    let seen = |page: tonic::Response<pb::ListChannelAccountsResponse>| page.into_inner().channel_accounts;
    assert_eq!(seen(partner.list_channel_accounts(list("")).await.unwrap()), vec![own.clone()]);
    assert_eq!(seen(partner.list_channel_accounts(list(&foreign.shop_id)).await.unwrap()), []);
    assert_eq!(
        seen(office.operator().list_channel_accounts(list(&foreign.shop_id)).await.unwrap()),
        vec![other.clone()]
    );
    assert_eq!(seen(office.operator().list_channel_accounts(list("")).await.unwrap()), [own, other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_belongs_to_its_shop() {
    let office = Office::open().await;
    let (one, two) = (office.shop("one").await, office.shop("two").await);
    for _ in 0..3 {
        office.account(&one, pb::Channel::Site).await;
    }
    let mut request = pb::ListChannelAccountsRequest { page_size: 2, ..list(&one.shop_id) };
    let first = office.operator().list_channel_accounts(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = office.operator().list_channel_accounts(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.channel_accounts.len(), second.channel_accounts.len()), (2, 1));
    request.shop_id = two.shop_id;
    assert_eq!(refusal(office.operator().list_channel_accounts(request).await).fields, ["page_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_field() {
    let office = Office::open().await;
    let shop = office.shop("Shop").await;
    let with = |change: fn(&mut pb::ChannelAccount)| {
        let mut request = register(&shop, pb::Channel::Site, "site");
        change(request.channel_account.as_mut().unwrap());
        request
    };
    let cases = [
        (with(|account| account.shop_id.clear()), "channel_account.shop_id"),
        (with(|account| account.channel = 0), "channel_account.channel"),
        (with(|account| account.channel = 99), "channel_account.channel"),
        (with(|account| account.name = "\t".to_owned()), "channel_account.name"),
        (
            pb::CreateChannelAccountRequest { channel_account: None, idempotency_key: "k".to_owned() },
            "channel_account",
        ),
        (
            pb::CreateChannelAccountRequest { idempotency_key: "a b".to_owned(), ..with(|_| {}) },
            "idempotency_key",
        ),
    ];
    for (request, field) in cases {
        let refused = refusal(office.operator().create_channel_account(request).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    assert_eq!(refusal(office.operator().get_channel_account(get("")).await).fields, ["source_id"]);
    assert_eq!(refusal(office.operator().list_channel_accounts(list("x")).await).fields, ["shop_id"]);
}
