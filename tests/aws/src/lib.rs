//! AWS's own SDKs before the simulated account: the clients, and a network to begin with.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use ovo_aws_sim::{RegionHandle, Simulator};

/// The region that the tests are in.
pub const REGION: &str = "eu-west-1";

/// An account, the clients of its services, and what a user brings.
pub struct Bed {
    /// The account.
    pub aws: Simulator,
    /// Client of EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// Client of Auto Scaling.
    pub scaling: aws_sdk_autoscaling::Client,
    /// Client of Elastic Load Balancing.
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    /// Client of ElastiCache.
    pub cache: aws_sdk_elasticache::Client,
    /// A network.
    pub vpc: String,
    /// Its subnets, one in each of two zones.
    pub subnets: Vec<String>,
    /// An image that is there.
    pub image: String,
}

/// The configuration of one service's client: no retries, since the tests count calls.
macro_rules! config {
    ($sdk:ident, $aws:expr) => {
        $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(REGION))
            .endpoint_url($aws.endpoint())
            .credentials_provider($sdk::config::Credentials::new(
                "key", "secret", None, None, "test",
            ))
            .retry_config($sdk::config::retry::RetryConfig::disabled())
            .http_client(
                Builder::new()
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .build_https(),
            )
            .build()
    };
}

impl Bed {
    /// An account with a network, a key pair and an image.
    ///
    /// # Panics
    /// Without a port.
    pub fn start() -> Self {
        Self::before(Simulator::start().unwrap())
    }

    /// The same before an account that the test has made.
    pub fn before(aws: Simulator) -> Self {
        let region = aws.region(REGION);
        let vpc = region.add_vpc();
        let subnets = ['a', 'b'].map(|zone| region.add_subnet(&vpc, zone)).into();
        region.add_key_pair("key");
        let image = aws.publish_image(REGION, "image");
        Self {
            ec2: aws_sdk_ec2::Client::from_conf(config!(aws_sdk_ec2, aws)),
            scaling: aws_sdk_autoscaling::Client::from_conf(config!(aws_sdk_autoscaling, aws)),
            elb: aws_sdk_elasticloadbalancingv2::Client::from_conf(config!(
                aws_sdk_elasticloadbalancingv2,
                aws
            )),
            cache: aws_sdk_elasticache::Client::from_conf(config!(aws_sdk_elasticache, aws)),
            vpc,
            subnets,
            image,
            aws,
        }
    }

    /// The region, to look at or to change by hand.
    pub fn region(&self) -> RegionHandle<'_> {
        self.aws.region(REGION)
    }

    /// Lets so many seconds pass.
    pub fn pass(&self, seconds: u64) {
        self.aws.advance(Duration::from_secs(seconds));
    }

    /// How often an operation was called.
    pub fn called(&self, operation: &str) -> usize {
        self.aws
            .calls()
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    }
}
