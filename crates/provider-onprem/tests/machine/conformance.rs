//! The kit that every provider passes, over a file, a unit and a job on a real machine.

use std::sync::Arc;
use std::time::Duration;

use ovo_machines::Machine;
use ovo_model::{Millis, Op, Resource, Scalar, SecretDigest, SecretKey, Step, Value};
use ovo_provider::conformance::{self, Bed};
use ovo_provider::{Provider, SecretSource, Target};
use ovo_provider_onprem::OnPrem;
use ovo_provider_onprem::desired::{self, Content, Contents, File, Job, Unit};
use ovo_provider_onprem::ssh::Link;

use crate::common::life::{Secrets, act, plan, step, target};
use crate::common::{LIMITS, Way, access};

const FOLDER: &str = "/opt/ovo-conformance";
const UNIT: &str = "/etc/systemd/system/ovo-conformance.service";

struct RealMachine {
    machine: Machine,
}

fn contents(version: u32) -> Contents {
    let key = SecretKey {
        secret: "openvidu".to_owned(),
        key: "license".to_owned(),
    };
    let file = |name: &str, content| File {
        path: format!("{FOLDER}/{name}"),
        content,
        mode: "640".to_owned(),
        owner: "admin:admin".to_owned(),
    };
    Contents {
        files: vec![
            file("text", Content::Text(format!("version {version}\n"))),
            file("secret", Content::Secret(key)),
        ],
        units: vec![Unit {
            name: "ovo-conformance.service".to_owned(),
            definition:
                "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
                    .to_owned(),
            enabled: true,
            active: true,
        }],
        jobs: vec![Job {
            name: "count".to_owned(),
            script: format!("cat {FOLDER}/text >> /opt/ovo-conformance-runs; sleep 0.1\n"),
        }],
    }
}

/// The pure half's resources, with digests as the engine would fill them in.
fn resources(version: u32) -> Vec<Resource> {
    let mut resources = desired::resources("m1", &contents(version)).unwrap();
    for property in resources
        .iter_mut()
        .flat_map(|resource| resource.properties.values_mut())
    {
        if let Value::Secret { digest, .. } = &mut property.value {
            *digest = Some(SecretDigest("digest".to_owned()));
        }
    }
    resources
}

impl RealMachine {
    /// A provider over a connection of its own.
    fn fresh(&self) -> OnPrem {
        let link = Link::new(
            access(&self.machine, "admin"),
            Way::into(self.machine.lab()),
            LIMITS,
        );
        OnPrem::new(Arc::new(link), contents(1))
    }
}

impl Bed for RealMachine {
    type P = OnPrem;

    fn target(&self) -> Target {
        target("abcd1234")
    }

    async fn provider(&self) -> OnPrem {
        self.fresh()
    }

    fn resources(&self) -> Vec<Resource> {
        resources(1)
    }

    fn changed(&self) -> Vec<Resource> {
        resources(2)
    }

    fn secrets(&self) -> &dyn SecretSource {
        &Secrets
    }

    async fn reset(&self) {
        self.machine
            .ask(&format!(
                "systemctl stop 'ovo-conformance*' 'openvidu-operator-*' 2>/dev/null || true
                 rm -rf /var/lib/openvidu-operator /run/openvidu-operator {FOLDER} {UNIT} /opt/ovo-conformance-runs \
                   /usr/sbin/sha256sum /etc/systemd/system/multi-user.target.wants/ovo-conformance.service
                 systemctl daemon-reload; systemctl reset-failed; mkdir {FOLDER}"
            ))
            .unwrap();
    }

    async fn wait(&self, ms: Millis) {
        // A machine gets on by itself; a tenth of what a cluster would wait for is plenty.
        tokio::time::sleep(Duration::from_millis(ms.unsigned_abs().min(100))).await;
    }

    /// The observing script dies in the middle of its answer.
    async fn spoil_reads(&self, spoilt: bool) -> bool {
        let stub = "/usr/sbin/sha256sum";
        let script = if spoilt {
            format!("printf '#!/bin/sh\\nexit 1\\n' > {stub}; chmod 755 {stub}")
        } else {
            format!("rm -f {stub}")
        };
        self.machine.ask(&script).unwrap();
        true
    }

    /// Files and units that are just there, and a job of another deployment.
    async fn plant_foreign(&self, resource: &Resource) -> bool {
        match resource.id.kind.as_str() {
            "File" => self
                .machine
                .ask(&format!("echo theirs > '{}'", resource.id.name))
                .unwrap(),
            "Unit" => self
                .machine
                .ask(&format!(
                    "printf '[Service]\\nExecStart=/bin/true\\n' > {UNIT}"
                ))
                .unwrap(),
            _ => {
                let (provider, other) = (self.fresh(), target("zzzz9999"));
                let desired = provider.desired(&other.cluster, other.profile).unwrap();
                let job: Vec<_> = desired
                    .into_iter()
                    .filter(|r| r.id == resource.id)
                    .collect();
                let alone: Vec<_> = job
                    .into_iter()
                    .map(|job| Resource {
                        after: Vec::new(),
                        ..job
                    })
                    .collect();
                let (ops, _) = plan(&alone, &crate::common::life::Seen::new());
                act(&provider, &other, &ops[0], 1).await.unwrap();
                String::new()
            }
        };
        true
    }

    async fn left(&self) -> Vec<String> {
        let found = self
            .machine
            .ask(&format!(
                "ls -A {FOLDER} /var/lib/openvidu-operator/abcd1234 2>/dev/null | grep -vE '^(|/.*:|format|epoch|resources)$'
                 ls -d {UNIT} /etc/systemd/system/*.wants/ovo-conformance* /etc/systemd/system/*.openvidu-operator 2>/dev/null |
                   grep -v wants
                 ls -d /var/lib/openvidu-operator/abcd1234/resources/Job* /run/openvidu-operator/in.* 2>/dev/null
                 systemctl list-units --no-legend --plain 'openvidu-operator-*' | grep -v running || true"
            ))
            .unwrap();
        found.lines().map(str::to_owned).collect()
    }

    fn impossible(&self) -> Option<Step> {
        let resource = self.resources().swap_remove(0);
        let mut properties: std::collections::BTreeMap<_, _> = resource
            .properties
            .into_iter()
            .map(|(name, property)| (name, property.value))
            .collect();
        properties.insert(
            "mode".to_owned(),
            Value::Known(Scalar::from("rwxrwxrwx; reboot")),
        );
        Some(step(Op::Create {
            resource: resource.id,
            call: "WriteFile".to_owned(),
            properties,
        }))
    }
}

#[tokio::test]
async fn a_file_a_unit_and_a_job() {
    let bed = RealMachine {
        machine: Machine::boot("m1").unwrap(),
    };
    let report = conformance::run(&bed).await;
    println!(
        "{} checks, {} crash points, left out: {:?}",
        report.checks, report.crash_points, report.left_out
    );
    assert_eq!(report.complaint(), None);
    assert!(report.left_out.is_empty(), "{:?}", report.left_out);
    // Three ways to die in each of four creations and four deletions, at the least.
    assert!(report.crash_points >= 24, "{}", report.crash_points);
}
