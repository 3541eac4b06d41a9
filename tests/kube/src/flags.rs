//! How the API server is told to run.

use std::path::Path;

use crate::etcd;

/// The flags of kube-apiserver; what is in `extra` comes last and wins.
pub(crate) fn apiserver(state: &Path, port: u16, extra: &[String]) -> Vec<String> {
    let file = |name: &str| state.join(name).display().to_string();
    let mut flags = vec![
        format!("--etcd-servers={}", etcd::url(state)),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        // Else it looks for an address of the host that others could reach.
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        // It makes its own certificate there, once.
        format!("--cert-dir={}", file("pki")),
        "--authorization-mode=RBAC".to_owned(),
        // Off by default, on in some distributions: who makes an object that blocks its owner's deletion needs a right for it.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement".to_owned(),
        "--anonymous-auth=false".to_owned(),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!(
            "--service-account-key-file={}",
            file("service-accounts.key")
        ),
        format!(
            "--service-account-signing-key-file={}",
            file("service-accounts.key")
        ),
        format!("--audit-policy-file={}", file("audit-policy.json")),
        format!("--audit-log-path={}", file("audit.log")),
        // Open watches would hold up a SIGTERM for a minute.
        "--shutdown-watch-termination-grace-period=1s".to_owned(),
    ];
    flags.extend_from_slice(extra);
    flags
}
