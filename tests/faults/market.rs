//! A suite that sells: cards, receipts and parcels outside, goods on the shelf, failpoints in reach.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use failpoint::Directory;
use serde_json::{Value, json};
use simulators::{Effect, Simulators};

use crate::buyers::Buyers;
use crate::suite::{Mode, Setup, Suite};

/// What is sold; there are plenty of each.
pub const SKUS: [&str; 4] = ["TEA", "CUP", "POT", "JAR"];
/// What nobody has.
pub const SOLD_OUT: &str = "NONE";
const UNITS: i64 = 1_000_000;

/// A running suite with everything an order may need.
pub struct Market {
    pub suite: Suite,
    pub simulators: Simulators,
    /// The failpoints of all its processes.
    pub failpoints: Directory,
    /// The delivery method of the outside carrier.
    pub parcel_method_id: String,
    /// What clients were told.
    pub history: History,
}

/// What clients asked for and were told, as the oracle reads it.
#[derive(Clone)]
pub struct History {
    pub path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl Market {
    /// Opens it.
    pub async fn open(mode: Mode) -> Self {
        Self::open_as(mode, Setup::default()).await
    }

    /// The same on another PostgreSQL.
    pub async fn open_on(mode: Mode, admin_url: String) -> Self {
        Self::open_as(mode, Setup { admin_url: Some(admin_url), ..Setup::default() }).await
    }

    /// The same with so many connections of each service to its database.
    pub async fn open_with_pools_of(pool_size: usize, mode: Mode) -> Self {
        Self::open_as(mode, Setup { pool_size: Some(pool_size), ..Setup::default() }).await
    }

    async fn open_as(mode: Mode, setup: Setup) -> Self {
        let folder = std::env::temp_dir().join(format!("korob-faults-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        let failpoints = Directory::at(folder.clone());
        let setup = Setup {
            more: "outbound.allowed_networks = [\"127.0.0.0/8\"]".to_owned(),
            environment: vec![(failpoint::DIRECTORY_VARIABLE, folder.display().to_string())],
            ..setup
        };
        let suite = Suite::start_as(mode, setup).await;
        let simulators = Simulators::start().await;
        simulators.faults("fiscal").settle(std::time::Duration::from_millis(50));
        let history = History::at(folder.join("history.jsonl"));
        let mut market = Self { suite, simulators, failpoints, parcel_method_id: String::new(), history };
        market.open_accounts().await;
        for sku in SKUS {
            market.suite.stock(sku, UNITS).await;
        }
        market.suite.stock(SOLD_OUT, 0).await;
        market
    }

    /// Lets so many buyers in; they go on until they are asked to finish.
    pub fn buyers(&self, count: usize) -> Buyers {
        Buyers::start(self, count)
    }

    /// Closes it.
    pub async fn close(self) {
        self.suite.stop().await;
        std::fs::remove_dir_all(self.failpoints.path()).unwrap();
    }

    async fn open_accounts(&mut self) {
        let (rest, shop_id) = (&self.suite.rest, &self.suite.shop_id);
        for account in [
            json!({
                "kind": "PROVIDER_KIND_KOROB_CARD", "name": "Cards", "baseUrl": self.simulators.url("card"),
                "captureMode": "CAPTURE_MODE_AUTOMATIC",
                "credentials": { "api_key": "key_faults", "webhook_secret": "whsec_faults" },
            }),
            json!({
                "kind": "PROVIDER_KIND_ATOL", "name": "Receipts", "baseUrl": self.simulators.url("fiscal"),
                "credentials": { "login": "shop", "password": "long enough" },
                "settings": {
                    "group_code": "main", "tax_number": "7701234567", "payment_place": "https://shop.example",
                    "seller_mailbox": "shop@shop.example", "fallback_mailbox": "receipts@shop.example",
                },
            }),
        ] {
            let mut account: Value = account;
            account["shopId"] = json!(shop_id);
            account["enabled"] = json!(true);
            let key = account["name"].as_str().unwrap().to_owned();
            let body = json!({ "paymentAccount": account });
            let made = rest.post("/v1/payment-accounts", &key, &body).await.unwrap().ok().unwrap();
            if account["kind"] == "PROVIDER_KIND_KOROB_CARD" {
                let account_id = made["providerAccountId"].as_str().unwrap();
                let receiver = format!("{}/v1/webhooks/payments/{account_id}", self.suite.url());
                self.simulators.webhooks_to("card", &receiver, "whsec_faults");
            }
        }
        let account = json!({ "carrierAccount": {
            "shopId": shop_id, "kind": "CARRIER_KIND_PARCEL", "name": "Parcels",
            "baseUrl": self.simulators.url("parcel"), "enabled": true,
            "credentials": { "api_key": "key_faults", "webhook_secret": "whsec_faults" },
        } });
        let made = rest.post("/v1/carrier-accounts", "parcels", &account).await.unwrap().ok().unwrap();
        let method = json!({ "deliveryMethod": {
            "shopId": shop_id, "kind": "DELIVERY_KIND_PARCEL", "name": "Parcel", "cashOnDelivery": false,
            "carrierAccountId": made["carrierAccountId"], "carrierService": "standard",
            "tariffs": [{ "price": { "amount": "70.00", "currencyCode": "UAH" } }],
        } });
        let method = rest.post("/v1/delivery-methods", "parcel", &method).await.unwrap().ok().unwrap();
        self.parcel_method_id = method["deliveryMethodId"].as_str().unwrap().to_owned();
    }

    /// Charges that the provider has captured.
    pub fn captures(&self) -> usize {
        self.simulators.ledger("card").total_count(Effect::Captured)
    }
}

impl History {
    fn at(path: PathBuf) -> Self {
        let file = File::create(&path).unwrap();
        Self { path, file: Arc::new(Mutex::new(file)) }
    }

    /// Writes down one line about placing the order of `key`.
    pub fn note(&self, op: &str, key: &str, rest: &Value) {
        let mut line = json!({ "op": op, "kind": "place_order", "key": key, "time_ns": 0 });
        for (name, value) in rest.as_object().into_iter().flatten() {
            line[name] = value.clone();
        }
        writeln!(self.file.lock().unwrap(), "{line}").unwrap();
    }
}
