//! The next status of a cluster, with what it commits to do.

mod conditions;
mod numbers;
mod trial;

use ovo_api::spec::AutoscalingMode;
use ovo_api::status::{
    AutoscalerStatus, ClusterPhase, Endpoints, INTENT_FORMAT_VERSION, Intent, IntentStep,
    OpenViduClusterStatus, PendingStep,
};
use ovo_model::{Millis, Scalar, Wall};

use crate::bugs::Bug;
use crate::draft::Draft;
use crate::view::View;
use crate::{credentials, resources};

pub(crate) use conditions::node as node_conditions;
pub(crate) use trial::try_out;

/// How often what merely counts is refreshed, in milliseconds.
const REFRESH_MS: Millis = 60_000;

/// The next status; equal to the last one when nothing changed.
pub(crate) fn next(view: &View<'_>, draft: &Draft<'_>) -> OpenViduClusterStatus {
    let old = view.status;
    let mut new = old.clone();
    let now = view.snap.now.wall;
    new.observed_generation = view.snap.cluster.metadata.generation;
    new.simulated = view.snap.simulated.then_some(true);
    new.intent = intent(view, draft);
    new.credentials = credentials::status(view);
    new.applied = resources::applied(view);
    new.applied_config_keys = view.spec.config.keys().cloned().collect();
    if let Some(claims) = &view.snap.tenancy.claims {
        new.claims.clone_from(claims);
    }
    new.shrink_unanswered_since = draft.shrink_unanswered.then(|| {
        old.shrink_unanswered_since
            .clone()
            .unwrap_or_else(|| now.to_time())
    });
    new.autoscaler = Some(autoscaler(view));
    new.endpoints = Some(endpoints(view));
    new.masters = Some(numbers::masters(view));
    numbers::media(view, draft, &mut new);
    new.phase = Some(phase(view, draft, &new));
    conditions::update(view, draft, &mut new);
    pending(view, draft, &mut new);
    let refresh = old
        .summary_at
        .as_ref()
        .is_none_or(|t| now.since(Wall::from_time(t)) >= REFRESH_MS);
    if !refresh {
        let mut kept = new.clone();
        numbers::keep(old, &mut kept);
        // What is written anyway says how everything is now: else the rest would be another write soon.
        if kept == *old {
            return kept;
        }
    }
    numbers::summary(view, &mut new);
    if new.summary != old.summary || new.media != old.media || new.pending != old.pending {
        new.summary_at = Some(now.to_time());
    }
    new
}

fn intent(view: &View<'_>, draft: &Draft<'_>) -> Option<Intent> {
    let steps: Vec<IntentStep> = draft
        .steps
        .iter()
        .filter(|s| s.is_destructive())
        .map(|s| IntentStep {
            id: s.id.0.clone(),
            step: format!("{}: {}", s.id, s.reason),
            cuts: s.cuts,
        })
        .collect();
    let old = view.status.intent.clone();
    if steps.is_empty() && old.is_none() {
        return None;
    }
    let mut new = old.unwrap_or(Intent {
        format_version: INTENT_FORMAT_VERSION,
        ..Intent::default()
    });
    let same =
        new.steps.len() == steps.len() && new.steps.iter().zip(&steps).all(|(a, b)| a.id == b.id);
    if !same {
        new.format_version = INTENT_FORMAT_VERSION;
        new.revision += 1;
        new.steps = steps;
    }
    Some(new)
}

fn autoscaler(view: &View<'_>) -> AutoscalerStatus {
    let asked = view.spec.media.autoscaling.mode();
    // Until the autoscaler exists, `Operator` acts as `Manual`.
    let effective = match asked {
        AutoscalingMode::Provider => "Provider",
        AutoscalingMode::Operator | AutoscalingMode::Manual => "Manual",
    };
    let old = view.status.autoscaler.clone();
    // What is in force stays in force until the user changes the spec, whatever a release would choose (S11).
    let kept = old
        .as_ref()
        .filter(|_| !view.changed_by_user())
        .map(|a| a.mode.clone());
    let mode = match kept {
        Some(_) if view.bugs.has(Bug::ChangedDefault) => "Provider".to_owned(),
        Some(kept) => kept,
        None => effective.to_owned(),
    };
    let mut status = old.unwrap_or_default();
    status.decision = format!(
        "{mode}: {} media nodes by spec.media.replicas",
        crate::group::wanted(view, ovo_api::Role::Media)
    );
    status.mode = mode;
    status
}

fn endpoints(view: &View<'_>) -> Endpoints {
    let domain = &view.spec.domain_name;
    let balancer = view
        .found()
        .filter(|r| r.id.kind == "LoadBalancer")
        .find_map(|r| {
            match r
                .outputs
                .get("dnsName")
                .or_else(|| r.outputs.get("address"))
            {
                Some(Scalar::Text(name)) => Some(name.clone()),
                _ => None,
            }
        })
        .or_else(|| {
            view.status
                .endpoints
                .as_ref()
                .and_then(|e| e.load_balancer.clone())
        });
    Endpoints {
        url: Some(format!("https://{domain}")),
        dashboard: Some(if view.spec.major() == 2 {
            format!("https://{domain}/inspector")
        } else {
            format!("https://{domain}/dashboard")
        }),
        dns_record: balancer.as_ref().map(|value| ovo_api::status::DnsRecord {
            name: domain.clone(),
            record_type: if value.parse::<std::net::IpAddr>().is_ok() {
                "A"
            } else {
                "CNAME"
            }
            .to_owned(),
            value: value.clone(),
            resolves: None,
        }),
        load_balancer: balancer,
    }
}

fn phase(view: &View<'_>, draft: &Draft<'_>, new: &OpenViduClusterStatus) -> ClusterPhase {
    let media = new.media.clone().unwrap_or_default();
    let masters = new.masters.clone().unwrap_or_default();
    if view.deleting() {
        ClusterPhase::Deleting
    } else if draft.stall.is_some() {
        ClusterPhase::Stalled
    } else if view.spec.paused() {
        ClusterPhase::Paused
    } else if !conditions::was_ready(view) && (masters.ready == 0 || media.ready == 0) {
        ClusterPhase::Creating
    } else if media.draining > 0 || media.ready != media.target {
        ClusterPhase::Scaling
    } else if masters.ready < masters.desired {
        ClusterPhase::Degraded
    } else if !draft.steps.is_empty() {
        ClusterPhase::Updating
    } else {
        ClusterPhase::Running
    }
}

/// What is waited for, each with the moment since when.
fn pending(view: &View<'_>, draft: &Draft<'_>, new: &mut OpenViduClusterStatus) {
    let before = numbers::by_step(&view.status.pending);
    new.pending = draft
        .waiting
        .iter()
        .take(256)
        .map(|w| {
            let before = before.get(w.step.as_str());
            PendingStep {
                step: w.step.clone(),
                waits_for: w.for_what.clone(),
                since: before.map_or_else(|| view.snap.now.wall.to_time(), |p| p.since.clone()),
            }
        })
        .collect();
}
