//! `serve --local DIR` without the simulator: the engine over a directory and the machines that its manifests name.

use std::process::ExitCode;
use std::sync::Arc;

use ovo_media::LiveKit;
use ovo_model::SecretKey;
use ovo_provider_onprem::ssh::{Direct, Limits};
use ovo_provider_onprem::{Fleet, KeyAnswer, Keys, Records, RecordsAnswer};
use ovo_store::{Embedded, Freshness, ObjectKey, Store as _};

use super::serve::{Server, Shown, policy, runtime, signalled, simulated_options};
use crate::cli::{LogArgs, ServeArgs};
use crate::failure::Failure;
use crate::local::Local;

/// Private keys from the Secrets of a served directory.
struct StoredKeys(Embedded);

impl Keys for StoredKeys {
    fn get<'a>(&'a self, namespace: &'a str, key: &'a SecretKey) -> KeyAnswer<'a> {
        Box::pin(async move {
            let name = ObjectKey::new(namespace, &key.secret);
            let secret = self.0.secret(&name, Freshness::Cached).await;
            let secret = secret.map_err(|error| error.to_string())?;
            Ok(secret.and_then(|secret| secret.text(&key.key)))
        })
    }
}

/// The records of nodes in a served directory.
struct StoredRecords(Embedded);

impl Records for StoredRecords {
    fn of<'a>(&'a self, namespace: &'a str, cluster: &'a str) -> RecordsAnswer<'a> {
        Box::pin(async move {
            let name = ObjectKey::new(namespace, cluster);
            let nodes = self.0.nodes(&name, Freshness::Cached).await;
            nodes.map_err(|error| error.to_string())
        })
    }
}

pub(super) fn run(args: &ServeArgs, logs: LogArgs) -> Result<ExitCode, Failure> {
    let Some(dir) = args.dir.as_deref() else {
        return Err(Failure::NotBuilt {
            what: "serving real machines and AWS from Kubernetes".to_owned(),
            instead: "serve machines from a directory of manifests with --local DIR, or a simulated world with --simulate"
                .to_owned(),
        });
    };
    runtime()?.block_on(async {
        // First of all: whoever finds our socket may ask us to stop.
        let stop = signalled()?;
        let local = Local::open(dir)?;
        if local.layout().world().exists() {
            return Err(Failure::Usage(format!(
                "{} was served with --simulate: what is on record there speaks of machines that never were. Serve a new \
                 directory with copies of the manifests, or add --simulate",
                dir.display()
            )));
        }
        let policy = policy(args);
        let connect = Direct {
            loopback: policy.loopback,
        };
        let keys = StoredKeys(local.store().clone());
        let records = StoredRecords(local.store().clone());
        let fleet = Fleet::new(Arc::new(keys), Arc::new(connect), Limits::default())
            .with_records(Arc::new(records));
        let fleet = Arc::new(fleet);
        let media = LiveKit::new(Arc::clone(&fleet));
        let settings = ovo_engine::Options {
            simulated: false,
            ..simulated_options(args.concurrency, policy)?
        };
        let shown = Shown::choose(args.view, logs);
        let server = Server::over(local, Some(args.listen), (fleet, media), settings, shown);
        server.await?.run(stop).await;
        Ok(ExitCode::SUCCESS)
    })
}
