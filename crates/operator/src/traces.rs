//! Traces, where somebody wants them: one for each round, sent to an OpenTelemetry collector.
//!
//! Only spans leave, with names of clusters, steps and acts: no log and no object does, and no secret is in any.

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// Where traces go, in the order in which they count; the standard's names.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// How long the end of the process waits for traces that are not sent yet.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a collector may take. The standard's default.
const ANSWER: Duration = Duration::from_secs(10);

static STARTED: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Takes spans of rounds to the collector that the environment names. `None` where it names none.
pub(crate) fn layer<S>() -> Option<impl Layer<S>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let tracer = tracer()?;
    let ours = filter_fn(|meta| meta.is_span() && meta.target().starts_with("ovo_engine"));
    let ours = ours.with_max_level_hint(LevelFilter::INFO);
    Some(OpenTelemetryLayer::new(tracer).with_filter(ours))
}

fn tracer() -> Option<Tracer> {
    let set = |name: &&str| env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let name = ENDPOINTS.into_iter().find(|name| set(name))?;
    match provider(name) {
        Ok(provider) => {
            let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
            STARTED.set(provider).ok()?;
            Some(tracer)
        }
        Err(why) => {
            // Logging has not begun yet. Clusters are kept alive all the same.
            eprintln!("no traces are sent: {name}: {why}");
            None
        }
    }
}

fn provider(name: &str) -> Result<SdkTracerProvider, String> {
    let endpoint = env::var(name).map_err(|error| error.to_string())?;
    if !endpoint.trim().starts_with("http://") {
        return Err(
            "only http:// is spoken here; name a collector on this machine or in this cluster, which speaks TLS to others"
                .to_owned(),
        );
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new())
        .with_protocol(Protocol::HttpBinary)
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder()
        .with_service_name(env!("CARGO_PKG_NAME"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

/// Sends what is not sent yet, and no more after that.
pub(crate) fn end() {
    if let Some(provider) = STARTED.get()
        && let Err(error) = provider.shutdown_with_timeout(LAST_WORDS)
    {
        tracing::warn!(%error, "some traces were not sent before the end");
    }
}

/// A client that blocks: batches are sent from a thread of their own.
#[derive(Debug)]
struct Collector(ureq::Agent);

// === impl Collector ===

impl Collector {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER))
            .build();
        Self(config.into())
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
