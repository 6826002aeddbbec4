//! A customer desk that is not one: each method breaks, waits or answers as the test asks. It stands in-process, behind a TCP port,
//! and behind one that hears only who proves a role, so that every promise is checked on all.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proto::customers::v1::customer_service_client::CustomerServiceClient;
use proto::customers::v1::customer_service_server::{CustomerService, CustomerServiceServer};
use proto::customers::v1::*;
use rpc::{
    BoundChannel, Call, Caller, CallerKeys, Callers, Channel, Directory, Identity, RemoteSettings, Servers,
    StackLayer, TlsSettings,
};
use testing::Authority;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tower::Layer;

/// What the handlers saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub begun: AtomicUsize,
    pub ended: AtomicUsize,
}

/// The desk at one place.
pub struct Desk {
    /// For messages of assertions.
    pub place: &'static str,
    pub seen: Arc<Seen>,
    channel: Channel,
    /// The way here under another service's name and with other keys.
    reach: Reach,
    _stop: tokio_util::sync::DropGuard,
}

type Reach = Box<dyn Fn(CallerKeys, &str) -> Channel + Send + Sync>;

#[derive(Clone)]
struct Answers(Arc<Seen>);

/// The desk in this process, behind a port, and behind one for those who prove who they are.
pub async fn everywhere() -> [Desk; 3] {
    [local(), remote(None).await, remote(Some(Folder::new())).await]
}

pub fn keys() -> CallerKeys {
    CallerKeys::new(*b"a master secret of the tests only")
}

fn local() -> Desk {
    let (directory, seen) = (Directory::in_process(["customers"], keys()), Arc::<Seen>::default());
    let stack = StackLayer::new("customers", keys()).layer(servers(&seen));
    directory.serve("customers", stack.clone());
    let reach: Reach = Box::new(move |keys, name| {
        let directory = Directory::in_process([name], keys);
        directory.serve(name, stack.clone());
        directory.channel(name)
    });
    let _stop = CancellationToken::new().drop_guard();
    Desk { place: "in-process", seen, channel: directory.channel("customers"), reach, _stop }
}

async fn remote(folder: Option<Folder>) -> Desk {
    let (seen, stop) = (Arc::<Seen>::default(), CancellationToken::new());
    let callers = METHODS.map(|method| (method, "payments"));
    let stack = StackLayer::for_callers("customers", keys(), Callers::new(callers)).layer(servers(&seen));
    let (identity, caller) = match &folder {
        None => (None, None),
        Some(folder) => {
            let authority = Authority::new();
            // A suite in one process: it is whoever is called.
            authority.equip(&folder.of("korob"), "korob", &[&authority]);
            authority.equip(&folder.of("payments"), "payments", &[&authority]);
            (folder.identity("korob"), folder.identity("payments"))
        }
    };
    let (place, scheme) = if identity.is_some() { ("secured", "https") } else { ("remote", "http") };
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let (address, _serving) =
        service::listen(stack, anywhere, identity, stop.clone()).await.expect("a free port");
    let address = format!("{scheme}://{address}");
    let reach: Reach = Box::new(move |keys, name| {
        let settings = RemoteSettings { identity: caller.clone(), ..RemoteSettings::default() };
        let directory = Directory::remote([(name, address.as_str())], keys, settings);
        directory.expect("a valid address").channel(name)
    });
    let channel = reach(keys(), "customers");
    Desk { place, seen, channel, reach, _stop: stop.drop_guard() }
}

const METHODS: [&str; 5] =
    ["GetCustomer", "IdentifyCustomer", "ListCustomerHistory", "ListCustomers", "UpdateCustomer"];

/// Where certificates are, a folder a role; gone when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        Self(std::env::temp_dir().join(format!("korob-tls-{}", uuid::Uuid::new_v4().simple())))
    }

    pub fn of(&self, role: &str) -> PathBuf {
        self.0.join(role)
    }

    /// What `role` proves who it is by.
    pub fn identity(&self, role: &str) -> Option<Identity> {
        let settings = TlsSettings { dir: Some(self.0.join("{role}")), ..TlsSettings::default() };
        Identity::load(&settings, role).expect("an identity")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all::<&Path>(&self.0);
    }
}

fn servers(seen: &Arc<Seen>) -> Servers {
    Servers::of(CustomerServiceServer::new(Answers(seen.clone())))
}

/// A desk behind a port, and nothing else.
pub struct Port {
    pub address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Seen>,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Port {
    /// At a free port.
    pub async fn open() -> Self {
        Self::open_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// At this one.
    pub async fn open_at(address: SocketAddr) -> Self {
        Self::open_for(address, None, Callers::default()).await
    }

    /// For `callers` who prove who they are.
    pub async fn open_for(address: SocketAddr, identity: Option<Identity>, callers: Callers) -> Self {
        let (seen, stop) = (Arc::<Seen>::default(), CancellationToken::new());
        let scheme = if identity.is_some() { "https" } else { "http" };
        let stack = StackLayer::for_callers("customers", keys(), callers).layer(servers(&seen));
        let (address, serving) =
            service::listen(stack, address, identity, stop.clone()).await.expect("it is free");
        Self { address, scheme, seen, stop, serving }
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub fn begun(&self) -> usize {
        self.seen.begun.load(Ordering::SeqCst)
    }

    pub fn ended(&self) -> usize {
        self.seen.ended.load(Ordering::SeqCst)
    }

    /// Ends when what has begun is answered.
    pub async fn drain(self) {
        self.stop.cancel();
        self.serving.await.expect("no panic").expect("it serves to the end");
    }
}

impl Desk {
    /// A client for `caller` who waits for `patience`.
    pub fn client(&self, caller: Caller, patience: Duration) -> CustomerServiceClient<BoundChannel> {
        CustomerServiceClient::new(self.channel.bind(&Call::begin(caller, patience)))
    }

    /// A client that does not say who calls.
    pub fn anonymous(&self) -> CustomerServiceClient<BoundChannel> {
        CustomerServiceClient::new(self.channel.anonymous(Duration::from_secs(5)))
    }

    /// A client for a call that was begun.
    pub fn client_of(&self, call: &Call) -> CustomerServiceClient<BoundChannel> {
        CustomerServiceClient::new(self.channel.bind(call))
    }

    /// A client of an impostor who does not know the secret.
    pub fn impostor(&self) -> CustomerServiceClient<BoundChannel> {
        self.carrying(CallerKeys::random(), "customers")
    }

    /// A client that carries a genuine statement for another service here.
    pub fn misdirected(&self) -> CustomerServiceClient<BoundChannel> {
        self.carrying(keys(), "orders")
    }

    /// A client whose statements are made with `keys` for `audience`, at this desk.
    fn carrying(&self, keys: CallerKeys, audience: &str) -> CustomerServiceClient<BoundChannel> {
        let call = Call::begin(Caller::operator("impostor"), Duration::from_secs(5));
        CustomerServiceClient::new((self.reach)(keys, audience).bind(&call))
    }
}

/// An operator, and time enough.
pub fn operator(desk: &Desk) -> CustomerServiceClient<BoundChannel> {
    desk.client(Caller::operator("test"), Duration::from_secs(10))
}

/// Asks for the customer whose id says what is to happen.
pub fn asking(id: &str) -> GetCustomerRequest {
    GetCustomerRequest { customer_id: id.to_owned() }
}

#[tonic::async_trait]
impl CustomerService for Answers {
    async fn get_customer(&self, request: Request<GetCustomerRequest>) -> Result<Response<Customer>, Status> {
        let (call, request) = rpc::open(request)?;
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        match request.customer_id.as_str() {
            "panic" => panic!("a bug in a verb"),
            "short" => tokio::time::sleep(Duration::from_millis(2)).await,
            "slow" => tokio::time::sleep(Duration::from_secs(3)).await,
            "refuse" => {
                return Err(rpc::Fault::new(tonic::Code::NotFound, "CUSTOMER_NOT_FOUND", "nobody").into());
            }
            "large" => {
                return Ok(Response::new(Customer { note: "x".repeat(5 << 20), ..Customer::default() }));
            }
            _ => {}
        }
        self.0.ended.fetch_add(1, Ordering::SeqCst);
        // Tells what arrived: who, for how long, in which trace, because of what.
        Ok(Response::new(Customer {
            customer_id: call.caller.who(),
            name: call.remaining().as_millis().to_string(),
            note: call.trace.trace_id(),
            etag: call.causation.unwrap_or_default(),
            phones: call.caller.scopes.clone(),
            ..Customer::default()
        }))
    }

    async fn identify_customer(
        &self,
        request: Request<IdentifyCustomerRequest>,
    ) -> Result<Response<IdentifyCustomerResponse>, Status> {
        rpc::open(request)?;
        Ok(Response::new(Default::default()))
    }

    async fn list_customers(
        &self,
        _: Request<ListCustomersRequest>,
    ) -> Result<Response<ListCustomersResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn update_customer(&self, _: Request<UpdateCustomerRequest>) -> Result<Response<Customer>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_customer_history(
        &self,
        _: Request<ListCustomerHistoryRequest>,
    ) -> Result<Response<ListCustomerHistoryResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}
