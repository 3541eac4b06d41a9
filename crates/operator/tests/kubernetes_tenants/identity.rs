//! As whom the operator acts in AWS.

use crate::kube::Bed;
use crate::says::{held, stalled};
use crate::tenants::{HOME, Wanted, cluster_wide, on_aws};

const TRUSTED: &str = "trusted";
const SCHOOL: &str = "school";
const ANOTHER: &str = "anothers";
const NAMELESS: &str = "nameless";
const PROFILE: &str = "profile";

const ROLE: &str = "arn:aws:iam::111122223333:role/school/openvidu";
const FOREIGN: &str = "arn:aws:iam::111122223333:role/bank/admin";

fn goes_on<'a>(bed: &'a Bed, namespace: &'a str) -> (String, Wanted<'a>) {
    let holds = move || !held(bed, namespace).is_empty();
    (format!("{namespace}: goes on"), Box::new(holds))
}

#[test]
fn a_namespace_acts_as_nobody_but_whom_the_administrator_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tenants.yaml");
    let text = "namespaces:\n  trusted: {ownIdentity: Allowed}\n  school: &school\n    allowedARNs: \
                ['arn:aws:iam::111122223333:role/school/*']\n  anothers: *school\n  profile: {ownIdentity: Allowed}\n";
    std::fs::write(&file, text).unwrap();
    let bed = cluster_wide(&[&format!("--tenants={}", file.display())]);
    let mut number = 0;
    let mut settle = |namespace: &str, role: Option<&str>, profile: Option<&str>| {
        number += 1;
        on_aws(&bed, namespace, |c| {
            c["spec"]["clusterID"] = format!("c{number}").into();
            let aws = &mut c["spec"]["infrastructure"]["aws"];
            if let Some(role) = role {
                aws["roleARN"] = role.into();
            }
            if let Some(arn) = profile {
                aws["iam"]["masterInstanceProfileARN"] = arn.into();
            }
        });
    };
    settle(TRUSTED, None, None);
    settle(SCHOOL, Some(ROLE), None);
    settle(ANOTHER, Some(FOREIGN), None);
    settle(NAMELESS, None, None);
    let admin = "arn:aws:iam::111122223333:instance-profile/admin";
    settle(PROFILE, None, Some(admin));
    let mut serving = bed.serve();
    let root = "spec.infrastructure.aws";
    let role = format!("{root}.roleARN");
    let ask = |namespace| format!("permit it for namespace {namespace}");
    let (a, n, p) = (ask(ANOTHER), ask(NAMELESS), ask(PROFILE));
    let profile = format!("{root}.iam.masterInstanceProfileARN");
    let (foreign, nameless, profile) = (
        [&*role, FOREIGN, &*a],
        [&*role, "own identity", &*n],
        [&*profile, admin, &*p],
    );
    let not = "IdentityNotPermitted";
    bed.until_all(
        &mut serving,
        vec![
            goes_on(&bed, TRUSTED),
            goes_on(&bed, SCHOOL),
            stalled(&bed, ANOTHER, not, &foreign),
            stalled(&bed, NAMELESS, not, &nameless),
            stalled(&bed, PROFILE, not, &profile),
        ],
    );
    for namespace in [ANOTHER, NAMELESS, PROFILE] {
        assert_eq!(held(&bed, namespace), [""; 0], "{namespace}");
    }
    assert_eq!(serving.stop(), Some(0));

    // Without the file nobody may, but for the operator's own namespace.
    let bed = cluster_wide(&[]);
    on_aws(&bed, SCHOOL, |c| {
        c["spec"]["infrastructure"]["aws"]["roleARN"] = ROLE.into();
    });
    on_aws(&bed, HOME, |c| c["spec"]["clusterID"] = "home".into());
    let mut serving = bed.serve();
    let wanted = vec![goes_on(&bed, HOME), stalled(&bed, SCHOOL, not, &[ROLE])];
    bed.until_all(&mut serving, wanted);
    assert_eq!(serving.stop(), Some(0));
}
