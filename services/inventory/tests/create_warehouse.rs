//! Adding warehouses.

use proto::inventory::v1::{CreateWarehouseRequest, Warehouse};
use testing::{World, refusal};
use tonic::Code;

use crate::stockroom::Stockroom;

fn request(name: &str, key: &str) -> CreateWarehouseRequest {
    let warehouse = Warehouse { name: name.to_owned(), ..Warehouse::default() };
    CreateWarehouseRequest { warehouse: Some(warehouse), idempotency_key: key.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn adds_a_warehouse_once_per_key() {
    let room = Stockroom::new().await;
    let first = room.client().create_warehouse(request("Main", "k")).await.unwrap().into_inner();
    let again = room.client().create_warehouse(request("Main", "k")).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!((first.name.as_str(), first.archived), ("Main", false));
    assert_eq!(room.number("SELECT count(*) FROM warehouses").await, 1);
    assert_eq!(room.history("create_warehouse").await, 1);

    let other = refusal(room.client().create_warehouse(request("Other", "k")).await);
    assert_eq!((other.code, other.reason.as_str()), (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_a_warehouse() {
    let room = Stockroom::new().await;
    let empty = refusal(room.client().create_warehouse(CreateWarehouseRequest::default()).await);
    assert_eq!(
        (empty.code, empty.fields),
        (Code::InvalidArgument, vec!["idempotency_key".to_owned(), "warehouse".to_owned()])
    );
    let blank = refusal(room.client().create_warehouse(request(" ", "k")).await);
    assert_eq!(blank.fields, ["warehouse.name"]);
    let control = refusal(room.client().create_warehouse(request("A\0B", "k")).await);
    assert_eq!(control.reason, "CONTROL_CHARACTER");
    let long = refusal(room.client().create_warehouse(request(&"x".repeat(201), "k")).await);
    assert_eq!(long.reason, "TOO_LONG");
}

#[tokio::test(flavor = "multi_thread")]
async fn needs_the_scope() {
    let room = Stockroom::new().await;
    let reader = World::partner(&[room.shop], &["inventory.read"]);
    let refused = refusal(room.client_as(reader).create_warehouse(request("Main", "k")).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "SCOPE_MISSING"));
}
