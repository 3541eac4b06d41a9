//! The table `ActKind x Role -> Cuts`.
//!
//! Sources: OpenVidu's documentation of Enterprise HA ("you can NOT remove Master Nodes with the guarantee of
//! not affecting active sessions"), of `/openvidu/api/restart` (all masters restart), and of v3's configuration
//! (`systemctl restart openvidu` on one master restarts services everywhere).

use super::Profile;
use crate::act::{ActKind, Cuts, Role};

#[expect(
    clippy::match_same_arms,
    reason = "a row of the table is one reason, whatever other rows answer"
)]
pub(super) fn lookup(_profile: &Profile, act: ActKind, role: Option<Role>) -> Cuts {
    use ActKind as A;
    match (act, role) {
        // Nothing that runs is touched. A first drain signal only closes (v3); closing only closes.
        (
            A::Create
            | A::Update
            | A::Install
            | A::Start
            | A::Grow
            | A::Protect
            | A::Reopen
            | A::GenerateCredentials
            | A::Close
            | A::Signal,
            _,
        ) => Cuts::Nothing,
        // The platform closes a media node of its choice and waits; it has no such manners with masters.
        (A::Shrink, Some(Role::Master)) => Cuts::Master,
        (A::Shrink, _) => Cuts::Nothing,
        (A::End | A::Unprotect | A::Uninstall | A::Restart, Some(Role::Media)) => Cuts::Node,
        // In both profiles services on all nodes restart with the one that is told to.
        (A::Restart, Some(Role::Master)) => Cuts::Cluster,
        (A::End | A::Unprotect | A::Uninstall, Some(Role::Master)) => Cuts::Master,
        (A::End | A::Unprotect | A::Uninstall | A::Restart, Some(Role::LoadBalancer)) => {
            Cuts::Cluster
        }
        (A::End | A::Unprotect | A::Uninstall | A::Restart, None) => Cuts::Cluster,
        (A::ApplyConfig, _) => Cuts::Cluster,
        (A::ReloadBalancer, _) => Cuts::Cluster,
        (A::Replace | A::Delete, Some(Role::Media)) => Cuts::Node,
        (A::Replace | A::Delete, Some(Role::Master)) => Cuts::Master,
        (A::Replace | A::Delete, Some(Role::LoadBalancer)) => Cuts::Cluster,
        // Shared state and plumbing: conversations hang on them.
        (A::Replace | A::Delete, None) => Cuts::Cluster,
    }
}
