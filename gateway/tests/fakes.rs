//! Services that answer what a test says and remember what they were asked.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message;
use rpc::{BuyerTokens, Call, CallerKeys, Directory, Servers, StackLayer};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Layer as _;
use types::Clock;

type Answer = Arc<dyn Fn(Bytes) -> Result<Vec<Bytes>, Status> + Send + Sync>;

/// What a service was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub call: Call,
    /// All messages of the request, one after the other.
    pub messages: Vec<Bytes>,
}

#[derive(Clone)]
pub struct Fakes {
    /// The secret of the installation.
    keys: CallerKeys,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

pub const SERVICES: [&str; 8] =
    ["access", "catalog", "customers", "delivery", "inventory", "orders", "payments", "webhooks"];

impl Default for Fakes {
    fn default() -> Self {
        Self { keys: CallerKeys::random(), answers: Arc::default(), asked: Arc::default() }
    }
}

impl Fakes {
    /// The tokens of the installation's buyers.
    pub fn buyer_tokens(&self) -> BuyerTokens {
        BuyerTokens::new(&self.keys, Clock::system())
    }

    /// A directory in which every service is a fake, behind the real server stack.
    pub fn directory(&self) -> Directory {
        let keys = self.keys.clone();
        let directory = Directory::in_process(SERVICES, keys.clone());
        for name in SERVICES {
            let fakes = self.clone();
            let server = tower::service_fn(move |request| {
                let fakes = fakes.clone();
                async move { Ok::<_, Infallible>(fakes.serve(request).await) }
            });
            directory.serve(name, StackLayer::new(name, keys.clone()).layer(Servers::any(server)));
        }
        directory
    }

    /// Sets the answer of a method.
    pub fn answer<Q, A>(&self, path: &str, answer: impl Fn(Q) -> Result<A, Status> + Send + Sync + 'static)
    where
        Q: Message + Default,
        A: Message,
    {
        self.answer_stream(path, move |message| {
            let request = Q::decode(message).unwrap();
            answer(request).map(|answer| vec![answer.encode_to_vec().into()])
        });
    }

    /// Sets the messages that a streaming method answers; it gets the last message of the request.
    pub fn answer_stream(
        &self,
        path: &str,
        answer: impl Fn(Bytes) -> Result<Vec<Bytes>, Status> + Send + Sync + 'static,
    ) {
        self.answers.lock().unwrap().insert(path.to_owned(), Arc::new(answer));
    }

    /// What was asked of a method so far.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }

    async fn serve(&self, request: http::Request<Body>) -> http::Response<Body> {
        let path = request.uri().path().to_owned();
        if path.starts_with("/grpc.health.") {
            let serving = tonic_health::pb::HealthCheckResponse { status: 1 };
            return ok(vec![serving.encode_to_vec().into()]);
        }
        let call = request.extensions().get::<Call>().unwrap().clone();
        let Ok(body) = request.into_body().collect().await else {
            return Status::cancelled("the request broke off").into_http();
        };
        let messages = unframed(body.to_bytes());
        self.asked.lock().unwrap().push(Asked { path: path.clone(), call, messages: messages.clone() });
        let answer = self.answers.lock().unwrap().get(&path).cloned();
        let answered = match answer {
            Some(answer) => answer(messages.last().cloned().unwrap_or_default()),
            None => Err(Status::new(Code::Unimplemented, "no test answers this")),
        };
        match answered {
            Ok(messages) => ok(messages),
            Err(status) => status.into_http(),
        }
    }
}

fn ok(messages: Vec<Bytes>) -> http::Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let data = messages.into_iter().map(|message| Frame::data(framed(&message)));
    let frames: Vec<_> =
        data.chain([Frame::trailers(trailers)]).map(Ok::<_, std::convert::Infallible>).collect();
    let mut response = http::Response::new(Body::new(StreamBody::new(stream::iter(frames))));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.extend_from_slice(message);
    frame.freeze()
}

fn unframed(mut bytes: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while bytes.len() >= 5 {
        let prefix = bytes.split_to(5);
        let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
        messages.push(bytes.split_to(length));
    }
    messages
}
