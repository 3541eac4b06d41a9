//! Where AWS is, as whom it is asked, how long a call may take, and who may still call it off.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// What the clients take credentials from.
pub type Credentials = SharedCredentialsProvider;
/// Keys that do not change, as tests and simulations have them.
pub type Keys = aws_sdk_ec2::config::Credentials;

/// Who may still call a change off: asked as the last thing before its request goes out.
pub trait Gate: Send + Sync + 'static {
    /// Whether a call that changes something, and takes at most this long, may begin now.
    fn may_begin(&self, call_timeout: Duration) -> bool;
}

impl<F: Fn(Duration) -> bool + Send + Sync + 'static> Gate for F {
    fn may_begin(&self, call_timeout: Duration) -> bool {
        self(call_timeout)
    }
}

/// One account and region.
#[derive(Clone)]
pub struct Connection {
    /// Region.
    pub region: String,
    /// Base URL of every service. Absent: AWS's own.
    pub endpoint: Option<String>,
    /// As whom.
    pub credentials: Credentials,
    /// No call takes longer; what took longer is lost.
    pub call_timeout: Duration,
    /// Who may call a change off.
    pub gate: Arc<dyn Gate>,
    /// The clients of all services share their connections.
    pub http: SharedHttpClient,
}

impl Connection {
    /// A connection with an HTTP client of its own.
    pub fn new(
        region: impl Into<String>,
        endpoint: Option<String>,
        credentials: Credentials,
        call_timeout: Duration,
        gate: impl Gate,
    ) -> Self {
        let tls = Provider::Rustls(CryptoMode::Ring);
        Self {
            region: region.into(),
            endpoint,
            credentials,
            call_timeout,
            gate: Arc::new(gate),
            http: Builder::new().tls_provider(tls).build_https(),
        }
    }

    /// The layer that asks the gate.
    pub fn doorkeeper(&self) -> Doorkeeper {
        Doorkeeper {
            gate: self.gate.clone(),
            call_timeout: self.call_timeout,
        }
    }

    /// How long a call may take, from its first byte to its last.
    pub fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .operation_timeout(self.call_timeout)
            .build()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// The configuration of one service's client over a [`Connection`]. The client's own retries are off: a second try is a
/// second decision, and whoever plans makes it.
#[macro_export]
macro_rules! configuration {
    ($sdk:ident, $connection:expr) => {{
        let connection: &$crate::Connection = $connection;
        let mut configuration = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(connection.region.clone()))
            .credentials_provider(connection.credentials.clone())
            .retry_config($sdk::config::retry::RetryConfig::disabled())
            .timeout_config(connection.timeouts())
            .interceptor(connection.doorkeeper())
            .http_client(connection.http.clone());
        configuration.set_endpoint_url(connection.endpoint.clone());
        configuration.build()
    }};
}

/// The last layer before the socket: a request that changes something goes out only while the gate is open. What reads
/// goes out always: AWS's operations that only read are named `Describe…`.
#[derive(Clone)]
pub struct Doorkeeper {
    gate: Arc<dyn Gate>,
    call_timeout: Duration,
}

/// The gate was shut; nothing was sent.
#[derive(Debug)]
pub(crate) struct NotBegun;

impl fmt::Display for NotBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not begun: this process is not sure to lead")
    }
}

impl std::error::Error for NotBegun {}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorkeeper")
    }
}

impl Intercept for Doorkeeper {
    fn name(&self) -> &'static str {
        "Doorkeeper"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        configuration: &mut aws_sdk_ec2::config::ConfigBag,
    ) -> Result<(), BoxError> {
        // An operation without a name is taken for one that changes something.
        let reads = configuration
            .load::<Metadata>()
            .is_some_and(|operation| operation.name().starts_with("Describe"));
        if reads || self.gate.may_begin(self.call_timeout) {
            Ok(())
        } else {
            Err(Box::new(NotBegun))
        }
    }
}
