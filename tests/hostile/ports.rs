//! Calls straight at the gRPC port of a service, past the gateway and past our own client.

use bytes::Bytes;
use http::uri::PathAndQuery;
use rpc::RawCodec;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// One port.
#[derive(Clone)]
pub struct Port {
    channel: Channel,
}

impl Port {
    pub async fn open(address: std::net::SocketAddr) -> Self {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { channel }
    }

    /// Calls `path` with any bytes as its message and any statement of who calls.
    pub async fn call(&self, path: &str, caller: Option<&str>, message: Bytes) -> Result<Bytes, Status> {
        let mut request = Request::new(message);
        if let Some(caller) = caller {
            request.metadata_mut().insert(rpc::CALLER_HEADER, caller.parse().unwrap());
        }
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path: PathAndQuery = path.parse().unwrap();
        if path.path().ends_with("/WatchFeed") {
            // Its messages have no end; that it is let in says enough.
            return client.server_streaming(request, path, RawCodec).await.map(|_| Default::default());
        }
        Ok(client.unary(request, path, RawCodec).await?.into_inner())
    }
}
