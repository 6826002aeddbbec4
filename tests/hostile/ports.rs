//! Calls straight at the gRPC port of a service, past the gateway and past our own client.

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
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
        Ok(client.unary(request, path, RawCodec).await?.into_inner())
    }
}

/// Encodes and decodes nothing.
#[derive(Debug, Clone, Copy, Default)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(message);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}
