//! A yard whose parcels are carried by simulated carriers outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proto::delivery::v1::{self as pb, CarrierKind, DeliveryKind, ShipmentState};
use simulators::{Effect, Simulators};
use testing::eventually;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use types::ShipmentId;

use crate::{Answer, Yard, kyiv, money, tariff};

/// Every simulated carrier takes it for an account of its own.
pub const API_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const WEBHOOK_SECRET: &str = "a secret of webhooks";

/// How much faster time goes for the service than for the test, while the test waits.
const STEP: Duration = Duration::from_millis(200);

/// A yard, carriers, and an account with one of them.
pub struct Outside {
    pub yard: Yard,
    pub carriers: Arc<Simulators>,
    pub system: &'static str,
    pub account: pb::CarrierAccount,
    pub method: pb::DeliveryMethod,
}

impl Outside {
    /// An account with the carrier of the parcel contract.
    pub async fn parcel() -> Self {
        Self::open(CarrierKind::Parcel).await
    }

    pub async fn open(kind: CarrierKind) -> Self {
        let (yard, carriers) = (Yard::open().await, Arc::new(Simulators::start().await));
        let (system, service) = match kind {
            CarrierKind::NovaPoshta => ("nova-poshta", "WarehouseDoors"),
            CarrierKind::Cdek => ("cdek", "137"),
            CarrierKind::Parcel | CarrierKind::Unspecified => ("parcel", "standard"),
        };
        // Short enough for a test, long enough to be seen.
        carriers.faults(system).settle(Duration::from_millis(20)).hang(Duration::from_millis(150));
        let account = create(&yard, account(kind, &carriers.url(system), &carriers.root())).await;
        let method = yard.offer(method(&account, service)).await;
        Self { yard, carriers, system, account, method }
    }

    /// What a buyer wants of this carrier.
    pub fn wish(&self) -> pb::PlanDeliveryRequest {
        let mut wish = self.yard.wish(&self.method);
        let currency = self.currency();
        wish.address = Some(self.address());
        wish.goods_total = Some(money("1040.00", currency));
        wish.order_number = "A-1007".to_owned();
        wish.items = vec![pb::PlannedItem {
            sku: "TEA-1".to_owned(),
            name: "Чай".to_owned(),
            quantity: 2,
            unit_price: Some(money("520.00", currency)),
            weight_grams: 600,
            ..Default::default()
        }];
        if self.system == "cdek" {
            wish.recipient_phone = "+79031234567".to_owned();
        }
        wish
    }

    pub fn currency(&self) -> &'static str {
        if self.system == "cdek" { "RUB" } else { "UAH" }
    }

    pub fn address(&self) -> proto::r#type::v1::Address {
        let mut address = kyiv();
        if self.system == "cdek" {
            address.country_code = "RU".to_owned();
            address.city = "Москва".to_owned();
            address.postal_code = "101000".to_owned();
        }
        address
    }

    pub async fn plan(&self, wish: &pb::PlanDeliveryRequest) -> pb::DeliveryPlan {
        self.yard.plan(wish).await.expect("plans").into_inner()
    }

    /// Stores a parcel; the carrier is asked later.
    pub async fn book(&self) -> pb::Shipment {
        self.book_wish(&self.wish()).await
    }

    pub async fn book_wish(&self, wish: &pb::PlanDeliveryRequest) -> pb::Shipment {
        let plan = self.plan(wish).await;
        self.yard.book(&plan, ShipmentId::new()).await.expect("books").into_inner()
    }

    /// A parcel with a waybill and a label.
    pub async fn booked(&self) -> pb::Shipment {
        let parcel = self.book().await;
        self.until(&parcel.shipment_id, "it is booked", |parcel| parcel.has_label).await
    }

    pub async fn get(&self, shipment_id: &str) -> pb::Shipment {
        let request = pb::GetShipmentRequest { shipment_id: shipment_id.to_owned() };
        self.yard.delivery().get_shipment(request).await.expect("is there").into_inner()
    }

    /// Waits until the parcel is as wanted, while the service's time runs.
    pub async fn until(
        &self,
        shipment_id: &str,
        what: &str,
        wanted: impl Fn(&pb::Shipment) -> bool,
    ) -> pb::Shipment {
        let last = std::sync::Mutex::new(None);
        let probe = async || {
            self.yard.world.clock.advance(STEP);
            let parcel = self.get(shipment_id).await;
            *last.lock().expect("a lock") = Some(parcel.clone());
            wanted(&parcel).then_some(parcel)
        };
        eventually(what, probe).await
    }

    pub async fn until_state(&self, parcel: &pb::Shipment, state: ShipmentState) -> pb::Shipment {
        self.until(&parcel.shipment_id, state.as_str_name(), |parcel| parcel.state() == state).await
    }

    /// Waits until so many rows of `table` are as wanted, while the service's time runs.
    pub async fn until_count(&self, what: &str, table: &str, wanted: &str, count: i64) {
        let client = self.yard.world.database("delivery").client().await;
        let sql = format!("SELECT count(*) FROM {table} WHERE {wanted}");
        eventually(what, async || {
            self.wait(STEP);
            let found: i64 = client.query_one(&sql, &[]).await.expect("looks").get(0);
            (found == count).then_some(())
        })
        .await;
    }

    /// Moves the service's time on.
    pub fn wait(&self, time: Duration) {
        self.yard.world.clock.advance(time);
    }

    pub async fn cancel(&self, shipment_id: &str) -> Answer<pb::Shipment> {
        let (shipment_id, reason) = (shipment_id.to_owned(), "the buyer thought again".to_owned());
        self.yard.delivery().cancel_shipment(pb::CancelShipmentRequest { shipment_id, reason }).await
    }

    /// How many waybills of the parcel the carrier has made, and how many of them it still has.
    pub fn waybills(&self, parcel: &pb::Shipment) -> (usize, usize) {
        let ledger = self.carriers.ledger(self.system);
        let made = ledger.count(Effect::WaybillCreated, &parcel.shipment_id);
        (made, made - ledger.count(Effect::WaybillCancelled, &parcel.shipment_id))
    }

    /// The open incidents of a parcel as `reason field`.
    pub fn open_incidents(parcel: &pb::Shipment) -> Vec<String> {
        let open = parcel.incidents.iter().filter(|incident| !incident.closed);
        open.map(|incident| format!("{} {}", incident.reason, incident.field).trim_end().to_owned()).collect()
    }

    /// Takes what the carrier sends, as the gateway does.
    pub async fn listen(&self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/webhook", listener.local_addr().expect("an address"));
        let account = self.account.carrier_account_id.clone();
        let delivery = self.yard.delivery();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut delivery, account) = (delivery.clone(), account.clone());
                tokio::spawn(async move {
                    let (headers, body, stream) = read_request(stream).await?;
                    let request = pb::ReceiveCarrierWebhookRequest {
                        carrier_account_id: account,
                        headers,
                        body,
                        peer_address: "127.0.0.1".to_owned(),
                    };
                    let status = match delivery.receive_carrier_webhook(request).await {
                        Ok(_) => "200 OK",
                        Err(_) => "401 Unauthorized",
                    };
                    answer(stream, status).await
                });
            }
        });
        self.carriers.webhooks_to(self.system, &url, WEBHOOK_SECRET);
    }
}

/// Adds an account.
pub async fn create(yard: &Yard, account: pb::CarrierAccount) -> pb::CarrierAccount {
    let idempotency_key = ShipmentId::new().to_string();
    let request = pb::CreateCarrierAccountRequest { carrier_account: Some(account), idempotency_key };
    yard.delivery().create_carrier_account(request).await.expect("creates").into_inner()
}

/// What an account of a kind is given: credentials, settings.
type Given = (&'static [(&'static str, &'static str)], Vec<(&'static str, String)>);

/// An account of every shop.
pub fn account(kind: CarrierKind, base_url: &str, root: &str) -> pb::CarrierAccount {
    let (credentials, settings): Given = match kind {
        CarrierKind::NovaPoshta => (
            &[("api_key", API_KEY)],
            vec![
                ("city_sender", "8d5a980d-391c-11dd-90d9-001a92567626".to_owned()),
                ("sender", "5ace4a2e-13ee-11e5-add9-005056887b8d".to_owned()),
                ("sender_address", "d492290b-55f2-11e5-ad08-005056801333".to_owned()),
                ("contact_sender", "613b77c4-1411-11e5-ad08-005056801333".to_owned()),
                ("senders_phone", "380501112233".to_owned()),
                ("print_url", format!("{root}/nova-poshta")),
            ],
        ),
        CarrierKind::Cdek => (
            &[("client_id", "a client of tests"), ("client_secret", "a secret of tests")],
            vec![
                ("sender_name", "Олена".to_owned()),
                ("sender_phone", "+79030000000".to_owned()),
                ("currency", "RUB".to_owned()),
                ("from_city_code", "44".to_owned()),
                ("from_address", "Тверская, 1".to_owned()),
            ],
        ),
        CarrierKind::Parcel | CarrierKind::Unspecified => {
            (&[("api_key", API_KEY), ("webhook_secret", WEBHOOK_SECRET)], Vec::new())
        }
    };
    let credentials = credentials.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pb::CarrierAccount {
        kind: kind.into(),
        name: "Main".to_owned(),
        base_url: base_url.to_owned(),
        credentials: credentials.collect(),
        settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        enabled: true,
        ..Default::default()
    }
}

/// A way to deliver by an account, for 70.00 when the carrier does not say.
pub fn method(account: &pb::CarrierAccount, service: &str) -> pb::DeliveryMethod {
    let currency = if account.kind() == CarrierKind::Cdek { "RUB" } else { "UAH" };
    pb::DeliveryMethod {
        kind: DeliveryKind::Parcel.into(),
        name: "By parcel".to_owned(),
        tariffs: vec![tariff("70.00", currency)],
        cash_on_delivery: true,
        carrier_account_id: account.carrier_account_id.clone(),
        carrier_service: service.to_owned(),
        ..Default::default()
    }
}

type Request = (BTreeMap<String, String>, Vec<u8>, TcpStream);

async fn read_request(stream: TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok((headers, body, reader.into_inner()))
}

async fn answer(mut stream: TcpStream, status: &str) -> std::io::Result<()> {
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await
}
