//! Many cases on one server.

use std::future::Future;
use std::pin::Pin;

use ovo_store::ObjectKey;
use ovo_store::conformance::fixture;
use serde_json::Value;

use crate::server::Server;

/// A case: its name, and what it does in a namespace of its own.
pub type Case = (
    &'static str,
    fn(Server, ObjectKey) -> Pin<Box<dyn Future<Output = ()> + Send>>,
);

/// Names cases by their functions.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        [$({
            let case: $crate::cases::Case =
                (stringify!($case), |server, key| Box::pin($case(server, key)));
            case
        }),+]
    };
}
pub(crate) use cases;

/// Runs every case, one after the other, and fails with the names of those that failed.
pub async fn run(server: &Server, cases: impl IntoIterator<Item = Case>) {
    let mut failed = Vec::new();
    for (name, case) in cases {
        let namespace = server.namespace(&name.replace('_', "-")).await;
        let key = ObjectKey::new(namespace, "demo");
        let began = std::time::Instant::now();
        if tokio::spawn(case(server.clone(), key)).await.is_err() {
            failed.push(name);
        }
        println!("{name}: {:.1} s", began.elapsed().as_secs_f32());
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// A cluster as people write it.
pub fn manifest(key: &ObjectKey) -> Value {
    fixture::cluster(key)
}
