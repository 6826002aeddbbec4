//! Processes that prove to each other who they are: an ordinary day, somebody who calls more than is his, and new certificates from a
//! new authority while orders are placed.

use std::path::Path;
use std::time::Duration;

use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::{GetReservationRequest, LookUpStockRequest};
use rpc::{Call, Caller, CallerKeys, Channel, Directory, Identity, RemoteSettings, TlsSettings};
use testing::Authority;
use tonic::Code;

use crate::order_path::live_through;
use crate::suite::{Mode, SECRET, SERVICES, Setup, Suite};

/// Until every process has looked at its files.
const NOTICED: Duration = Duration::from_secs(3);
/// Orders of each step of the change.
const ORDERS: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn processes_prove_who_they_are_and_keep_doing_so_with_new_certificates() {
    let folder = std::env::temp_dir().join(format!("korob-identities-{}", uuid::Uuid::new_v4().simple()));
    let (old, new) = (Authority::new(), Authority::new());
    equip(&folder, &old, &[&old]);
    let tls = TlsSettings { dir: Some(folder.join("{role}")), ..TlsSettings::default() };
    let suite = Suite::start_as(Mode::Processes, Setup { tls: tls.clone(), ..Setup::default() }).await;
    live_through(&suite).await;
    a_role_calls_what_is_its_own(&suite, &tls).await;

    suite.stock("GIFT", 1_000).await;
    let mut number = 0;
    let steps: [(&Authority, &[&Authority]); 3] =
        [(&old, &[&old, &new]), (&new, &[&old, &new]), (&new, &[&new])];
    for (signs, trusted) in steps {
        equip(&folder, signs, trusted);
        let noticed = tokio::time::Instant::now() + NOTICED;
        while tokio::time::Instant::now() < noticed || number % ORDERS != 0 {
            number += 1;
            let order = suite.order("GIFT", number);
            suite.rest.post("/v1/orders", &format!("gift-{number}"), &order).await.unwrap().ok().unwrap();
        }
    }
    let outdated = folder.join("outdated");
    old.equip(&outdated, "operator", &[&old, &new]);
    let outdated = TlsSettings { dir: Some(outdated), ..TlsSettings::default() };
    let status = look(&inventory(&suite, &outdated, "operator")).await.expect_err("nobody trusts it now");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    look(&inventory(&suite, &tls, "operator")).await.expect("an operator may");

    let output = suite.korob(&["keys", "list"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    suite.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What catalog says that it calls is answered, and nothing else; who proves nothing is not heard.
async fn a_role_calls_what_is_its_own(suite: &Suite, tls: &TlsSettings) {
    let catalog = inventory(suite, tls, "catalog");
    look(&catalog).await.expect("catalog looks at stock");
    let request = GetReservationRequest::default();
    let mut client = InventoryServiceClient::new(catalog.bind(&call()));
    let status = client.get_reservation(request).await.expect_err("reservations are not its affair");
    assert_eq!(rpc::reason(&status).as_deref(), Some("ROLE_NOT_ALLOWED"), "{status:?}");

    let address = format!("http://{}", suite.port("inventory"));
    let plain = Directory::remote(
        [("inventory", address.as_str())],
        CallerKeys::new(SECRET.as_bytes()),
        RemoteSettings::default(),
    );
    let status = look(&plain.unwrap().channel("inventory")).await.expect_err("without a certificate");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}

fn equip(folder: &Path, signs: &Authority, trusted: &[&Authority]) {
    for role in SERVICES.into_iter().chain(["gateway", "operator"]) {
        signs.equip(&folder.join(role), role, trusted);
    }
}

fn inventory(suite: &Suite, tls: &TlsSettings, role: &str) -> Channel {
    let settings =
        RemoteSettings { identity: Identity::load(tls, role).unwrap(), ..RemoteSettings::default() };
    let address = format!("https://{}", suite.port("inventory"));
    let keys = CallerKeys::new(SECRET.as_bytes());
    let directory = Directory::remote([("inventory", address.as_str())], keys, settings).unwrap();
    directory.channel("inventory")
}

fn call() -> Call {
    Call::begin(Caller::service("catalog"), Duration::from_secs(5))
}

async fn look(inventory: &Channel) -> Result<(), tonic::Status> {
    let request = LookUpStockRequest { skus: vec!["GIFT".to_owned()] };
    InventoryServiceClient::new(inventory.bind(&call())).look_up_stock(request).await.map(drop)
}
