//! Calls straight at the gRPC port of a service, past the gateway and past our own client.

use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use rpc::RawCodec;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// A stream that says nothing for so long waits for something to happen.
const PAUSE: Duration = Duration::from_secs(1);

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
        if !answers_a_stream(path.path()) {
            return Ok(client.unary(request, path, RawCodec).await?.into_inner());
        }
        let mut answers = client.server_streaming(request, path, RawCodec).await?.into_inner();
        let mut last = Bytes::new();
        // Some have no end; one that pauses has told all that there is.
        while let Ok(answer) = tokio::time::timeout(PAUSE, answers.message()).await {
            match answer? {
                Some(answer) => last = answer,
                None => break,
            }
        }
        Ok(last)
    }
}

fn answers_a_stream(path: &str) -> bool {
    let (service, method) = path.trim_start_matches('/').split_once('/').unwrap();
    let service = proto::pool().get_service_by_name(service);
    let method = service.and_then(|service| service.methods().find(|one| one.name() == method));
    method.is_some_and(|method| method.is_server_streaming())
}
