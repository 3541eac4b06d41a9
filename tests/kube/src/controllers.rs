//! Controllers of Kubernetes' own.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::daemon::Daemon;

/// They are at work after a second or two; on a busy host it may take much longer.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Starts kube-controller-manager with the controllers that an operator's objects meet.
pub(crate) fn start(programs: &Path, state: &Path, kubeconfig: &Path) -> io::Result<Daemon> {
    let arguments = [
        format!("--kubeconfig={}", kubeconfig.display()),
        "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller"
            .to_owned(),
        // Each under its own account: the rights are bound to those.
        "--use-service-account-credentials=true".to_owned(),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
    ];
    Daemon::spawn("kube-controller-manager", programs, state, &arguments)
}
