//! A shop that takes cards through simulated providers, and their webhooks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use outbound::{Client, Request};
use proto::payments::v1::payment_service_client::PaymentServiceClient;
use proto::payments::v1::{self as pb, CaptureMode, PaymentMethod, PaymentState, ProviderKind};
use rpc::{BoundChannel, Call, Caller, Channel};
use simulators::{Effect, Simulators};
use testing::eventually;
use types::PaymentId;

use crate::{Answer, Till, money};

type Pairs = &'static [(&'static str, &'static str)];

pub const WEBHOOK_SECRET: &str = "whsec_tests_only";
pub const CARDS: [ProviderKind; 3] = [ProviderKind::KorobCard, ProviderKind::Yookassa, ProviderKind::Stripe];

pub struct CardShop {
    pub till: Till,
    pub simulators: Simulators,
    pub kind: ProviderKind,
    pub account: pb::PaymentAccount,
    pub hook: String,
}

impl CardShop {
    /// With one account that only reserves.
    pub async fn reserving() -> Self {
        Self::at(ProviderKind::KorobCard, CaptureMode::Manual).await
    }

    /// With one account that takes the money at once.
    pub async fn taking() -> Self {
        Self::at(ProviderKind::KorobCard, CaptureMode::Automatic).await
    }

    pub async fn at(kind: ProviderKind, mode: CaptureMode) -> Self {
        let shop = Self::deaf(kind, mode).await;
        let url = shop.webhook_url(&shop.hook);
        shop.simulators.webhooks_to(shop.system(), &url, WEBHOOK_SECRET);
        shop
    }

    /// With one account, whose provider has not been told where to send webhooks.
    pub async fn deaf(kind: ProviderKind, mode: CaptureMode) -> Self {
        let (till, simulators) = (Till::open().await, Simulators::start().await);
        let hook = hook(till.world.directory.channel("payments")).await;
        let mut shop = Self { till, simulators, kind, account: pb::PaymentAccount::default(), hook };
        shop.account = shop.account_of(kind, mode);
        shop.account = shop.add(shop.account.clone()).await;
        for system in ["card", "yookassa", "stripe"] {
            shop.simulators.faults(system).hang(Duration::from_millis(20)).settle(Duration::from_millis(50));
        }
        shop
    }

    /// Where webhooks for the shop's account go at `hook`.
    pub fn webhook_url(&self, hook: &str) -> String {
        format!("{hook}/{}", self.account.provider_account_id)
    }

    /// The simulated system of the shop's account.
    pub fn system(&self) -> &'static str {
        system_of(self.kind)
    }

    /// A new account at a simulated provider.
    pub fn account_of(&self, kind: ProviderKind, mode: CaptureMode) -> pb::PaymentAccount {
        let (credentials, settings): (Pairs, Pairs) = match kind {
            ProviderKind::KorobCard => (&[("api_key", "key_tests"), ("webhook_secret", WEBHOOK_SECRET)], &[]),
            ProviderKind::Yookassa => {
                (&[("shop_id", "100500"), ("secret_key", "test_key")], &[("webhook_networks", "127.0.0.0/8")])
            }
            ProviderKind::Stripe => {
                (&[("secret_key", "sk_test_tests"), ("webhook_secret", WEBHOOK_SECRET)], &[])
            }
            ProviderKind::Atol | ProviderKind::Unspecified => panic!("takes no cards"),
        };
        pb::PaymentAccount {
            shop_id: self.till.shop.to_string(),
            kind: kind.into(),
            name: format!("{kind:?}"),
            base_url: self.simulators.url(system_of(kind)),
            credentials: map(credentials),
            capture_mode: mode.into(),
            priority: 10,
            enabled: true,
            settings: map(settings),
            ..Default::default()
        }
    }

    pub async fn add(&self, account: pb::PaymentAccount) -> pb::PaymentAccount {
        let request = pb::CreatePaymentAccountRequest {
            payment_account: Some(account),
            idempotency_key: PaymentId::new().to_string(),
        };
        let added = self.payments().create_payment_account(request).await;
        added.expect("adds an account").into_inner()
    }

    pub fn payments(&self) -> PaymentServiceClient<BoundChannel> {
        self.till.payments()
    }

    /// A request for a card payment of a new order.
    pub fn card_bill(&self, amount: &str, currency: &str) -> pb::OpenPaymentRequest {
        pb::OpenPaymentRequest { method: PaymentMethod::Card.into(), ..self.till.bill(amount, currency) }
    }

    /// An opened card payment.
    pub async fn bill(&self, amount: &str, currency: &str) -> pb::Payment {
        self.till.open_payment(&self.card_bill(amount, currency)).await.expect("opens").into_inner()
    }

    /// A token of the shop's provider that pays.
    pub fn token(&self) -> &'static str {
        match self.kind {
            ProviderKind::Stripe => "pm_card_visa",
            _ => "tok_ok",
        }
    }

    pub fn confirmation(&self, payment: &pb::Payment, key: &str) -> pb::ConfirmPaymentRequest {
        self.confirmation_of(&payment.payment_id, key)
    }

    pub fn confirmation_of(&self, payment_id: &str, key: &str) -> pb::ConfirmPaymentRequest {
        pb::ConfirmPaymentRequest {
            payment_id: payment_id.to_owned(),
            provider_account_id: String::new(),
            payment_token: self.token().to_owned(),
            return_url: "https://shop.example/paid".to_owned(),
            receipt_contact: String::new(),
            idempotency_key: key.to_owned(),
        }
    }

    pub async fn confirm(&self, payment: &pb::Payment, key: &str) -> Answer {
        self.payments().confirm_payment(self.confirmation(payment, key)).await
    }

    /// Opened and confirmed.
    pub async fn paid(&self, amount: &str, currency: &str) -> pb::Payment {
        let payment = self.bill(amount, currency).await;
        self.confirm(&payment, &payment.payment_id).await.expect("confirms").into_inner()
    }

    pub async fn capture(&self, payment: &pb::Payment, amount: Option<&str>) -> Answer {
        let currency = payment.amount.as_ref().expect("an amount").currency_code.clone();
        let amount = amount.map(|amount| money(amount, &currency));
        let payment_id = payment.payment_id.clone();
        let request = pb::CapturePaymentRequest { payment_id, amount, receipt_lines: Vec::new() };
        self.payments().capture_payment(request).await
    }

    pub async fn read(&self, payment: &pb::Payment) -> pb::Payment {
        self.till.get(&payment.payment_id).await.expect("reads").into_inner()
    }

    /// Waits until the payment is as `wanted`; time passes quickly meanwhile.
    pub async fn until(
        &self,
        payment: &pb::Payment,
        what: &str,
        wanted: fn(&pb::Payment) -> bool,
    ) -> pb::Payment {
        eventually(what, || async {
            self.till.world.clock.advance(Duration::from_secs(1));
            let now = self.read(payment).await;
            wanted(&now).then_some(now)
        })
        .await
    }

    pub async fn until_state(&self, payment: &pb::Payment, state: PaymentState) -> pb::Payment {
        eventually(state.as_str_name(), || async {
            self.till.world.clock.advance(Duration::from_secs(1));
            let now = self.read(payment).await;
            (now.state() == state).then_some(now)
        })
        .await
    }

    /// The provider's word for capturing.
    pub fn capture_operation(&self) -> &'static str {
        match self.kind {
            ProviderKind::Yookassa => "capture_payment",
            ProviderKind::Stripe => "capture_payment_intent",
            _ => "capture_charge",
        }
    }

    /// The provider's word for charging.
    pub fn charge_operation(&self) -> &'static str {
        match self.kind {
            ProviderKind::Yookassa => "create_payment",
            ProviderKind::Stripe => "create_payment_intent",
            _ => "create_charge",
        }
    }

    /// How often the provider did something, for anybody.
    pub fn did(&self, effect: Effect) -> usize {
        self.simulators.ledger(self.system()).total_count(effect)
    }

    /// The buyer decides on the provider's page.
    pub async fn buyer_decides(&self, payment: &pb::Payment, result: &str) {
        let url = payment.next_action.as_ref().expect("something to do").redirect_url.clone();
        let client = Client::new(outbound::Reach::with(&["127.0.0.0/8"])).expect("a client");
        let answer = client.send(Request::post(url).form(&[("result", result)])).await.expect("answers");
        assert!(answer.status.is_redirection() || answer.status.is_success(), "{}", answer.status);
    }

    pub async fn notifications(&self) -> Vec<pb::ProviderNotification> {
        let request = pb::ListProviderNotificationsRequest { page_size: 200, ..Default::default() };
        let listed = self.payments().list_provider_notifications(request).await;
        listed.expect("lists").into_inner().notifications
    }
}

pub fn system_of(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Yookassa => "yookassa",
        ProviderKind::Stripe => "stripe",
        ProviderKind::Atol => "fiscal",
        ProviderKind::KorobCard | ProviderKind::Unspecified => "card",
    }
}

pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Takes webhooks over HTTP as the gateway does, and hands them over. Answers its address.
async fn hook(channel: Channel) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let app = Router::new().route("/{account}", post(receive)).with_state(channel);
    tokio::spawn(async move {
        let served = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>());
        served.await.expect("serves");
    });
    format!("http://{address}")
}

async fn receive(
    State(channel): State<Channel>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    hand_over(&channel, peer, account, &headers, &body).await
}

/// Hands a webhook over; what its sender is told.
pub async fn hand_over(
    channel: &Channel,
    peer: SocketAddr,
    account: String,
    headers: &HeaderMap,
    body: &[u8],
) -> StatusCode {
    let call = Call::begin(Caller::service("gateway"), Duration::from_secs(10));
    let headers = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let request = pb::ReceiveProviderWebhookRequest {
        provider_account_id: account,
        headers: headers.collect(),
        body: body.to_vec(),
        peer_address: peer.to_string(),
    };
    match PaymentServiceClient::new(channel.bind(&call)).receive_provider_webhook(request).await {
        Ok(_) => StatusCode::OK,
        Err(status) if status.code() == tonic::Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
