//! The contracts of `proto/` as Rust: messages, clients, servers, and the descriptors they came from.
//!
//! No logic lives here but how large a buffer is. One module per package: `proto::orders::v1::Order`.

#![allow(clippy::all, missing_docs, rustdoc::all)]

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

pub mod codec;

/// The encoded `FileDescriptorSet` of all packages, with their options and comments.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).expect("protox wrote valid descriptors"));

/// The descriptors of all packages, decoded once.
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

macro_rules! package {
    ($module:ident, $name:literal) => {
        pub mod $module {
            pub mod v1 {
                tonic::include_proto!($name);
            }
        }
    };
}

package!(access, "korob.access.v1");
package!(api, "korob.api.v1");
package!(catalog, "korob.catalog.v1");
package!(customers, "korob.customers.v1");
package!(delivery, "korob.delivery.v1");
package!(events, "korob.events.v1");
package!(internal, "korob.internal.v1");
package!(inventory, "korob.inventory.v1");
package!(orders, "korob.orders.v1");
package!(payments, "korob.payments.v1");
package!(webhooks, "korob.webhooks.v1");
package!(r#type, "korob.r#type.v1");
