//! `get`.

use std::process::ExitCode;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::ObjectKey;

use crate::cli::{GetArgs, GetOutput};
use crate::commands::table::{cell, table};
use crate::commands::{ask, pretty, print, unexpected};
use crate::failure::Failure;
use crate::local::{Listing, Request, Response};
use crate::view::age;

pub(super) fn run(args: &GetArgs) -> Result<ExitCode, Failure> {
    let Response::List(listing) = ask(&args.at, Request::List)? else {
        return Err(unexpected());
    };
    for broken in &listing.unreadable {
        eprintln!("warning: {broken}");
    }
    let (clusters, nodes) = choose(&listing, args)?;
    let wide = match args.output {
        GetOutput::Yaml => {
            let documents = objects(&clusters, &nodes)?.into_iter().map(|object| {
                serde_saphyr::to_string(&object).map_err(|error| Failure::Format(error.to_string()))
            });
            let documents: Vec<String> = documents.collect::<Result<_, _>>()?;
            print(&documents.join("---\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        GetOutput::Json => {
            let mut objects = objects(&clusters, &nodes)?;
            let named = args
                .what
                .as_deref()
                .is_some_and(|what| !is_kind(what, "cluster") && !is_kind(what, "node"));
            match (objects.pop(), objects.is_empty(), named) {
                (Some(one), true, true) => print(&pretty(&one)?)?,
                (last, ..) => {
                    objects.extend(last);
                    print(&pretty(
                        &serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects}),
                    )?)?;
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        GetOutput::Table => false,
        GetOutput::Wide => true,
    };
    let mut text = String::new();
    if !clusters.is_empty() {
        text.push_str(&cluster_table(&clusters, &listing, wide));
    }
    if !nodes.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&node_table(&nodes, listing.now, wide));
    }
    if text.is_empty() {
        eprintln!("nothing found in {}", args.at.place());
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

type Chosen<'a> = (Vec<&'a OpenViduCluster>, Vec<&'a OpenViduNode>);

fn choose<'a>(listing: &'a Listing, args: &GetArgs) -> Result<Chosen<'a>, Failure> {
    let (all, nodes) = (listing.clusters.iter(), listing.nodes.iter());
    let Some(what) = args.what.as_deref() else {
        return Ok((all.collect(), nodes.collect()));
    };
    if is_kind(what, "cluster") {
        return Ok((all.collect(), Vec::new()));
    }
    if is_kind(what, "node") {
        return Ok((Vec::new(), nodes.collect()));
    }
    let is_named = |key: &ObjectKey| key.name == what || key.to_string() == what;
    let clusters: Vec<_> = all.filter(|c| is_named(&ObjectKey::of(*c))).collect();
    let nodes: Vec<_> = nodes
        .filter(|n| {
            let key = ObjectKey::of(*n);
            let whole = matches!(args.output, GetOutput::Yaml | GetOutput::Json);
            // A cluster's table shows its nodes too; as whole objects they are asked for one by one.
            is_named(&key)
                || !whole
                    && clusters
                        .iter()
                        .any(|c| ObjectKey::of(*c) == key.sibling(n.spec.cluster.clone()))
        })
        .collect();
    if clusters.is_empty() && nodes.is_empty() {
        let names = listing
            .clusters
            .iter()
            .map(|c| ObjectKey::of(c).to_string());
        let known = names
            .chain(listing.nodes.iter().map(|n| ObjectKey::of(n).to_string()))
            .collect();
        let (name, place) = (what.to_owned(), args.at.place());
        return Err(Failure::Unknown {
            kind: "cluster or node",
            name,
            place,
            known,
        });
    }
    Ok((clusters, nodes))
}

fn is_kind(what: &str, kind: &str) -> bool {
    let what = what.strip_suffix('s').unwrap_or(what);
    what == kind
        || what == format!("openvidu{kind}")
        || what == if kind == "cluster" { "ovc" } else { "ovn" }
}

fn objects(
    clusters: &[&OpenViduCluster],
    nodes: &[&OpenViduNode],
) -> Result<Vec<serde_json::Value>, Failure> {
    let clusters = clusters.iter().map(serde_json::to_value);
    let nodes = nodes.iter().map(serde_json::to_value);
    Ok(clusters.chain(nodes).collect::<Result<_, _>>()?)
}

fn since(now: i64, time: Option<&Time>) -> String {
    cell(time.map(|time| age(now - Timestamp::as_millisecond(time.0))))
}

fn cluster_table(clusters: &[&OpenViduCluster], listing: &Listing, wide: bool) -> String {
    let mut head = vec![
        "NAME", "VERSION", "READY", "MASTERS", "MEDIA", "ROOMS", "PEOPLE", "AS-OF", "STATUS", "AGE",
    ];
    if wide {
        head.extend(["URL", "INFRASTRUCTURE", "LOAD"]);
    }
    let rows: Vec<Vec<String>> = clusters
        .iter()
        .map(|cluster| cluster_row(cluster, listing, wide))
        .collect();
    table(&head, &rows)
}

fn cluster_row(cluster: &OpenViduCluster, listing: &Listing, wide: bool) -> Vec<String> {
    let key = ObjectKey::of(cluster);
    let status = cluster.status.clone().unwrap_or_default();
    let ready = status
        .conditions
        .iter()
        .find(|c| c.type_ == "Ready")
        .map(|c| c.status.clone());
    let masters = status
        .masters
        .as_ref()
        .map(|m| format!("{}/{}", m.ready, m.desired));
    let media = status.media.as_ref();
    let phase = if listing.unmanaged.contains(&key.to_string()) {
        "Unmanaged".to_owned()
    } else {
        cell(status.phase.map(|phase| format!("{phase:?}")))
    };
    let mut row = vec![
        key.to_string(),
        cluster.spec.version.clone(),
        ready.unwrap_or_else(|| "Unknown".to_owned()),
        cell(masters),
        cell(media.map(|m| format!("{}/{}", m.ready, m.target))),
        cell(media.and_then(|m| m.rooms)),
        cell(media.and_then(|m| m.participants)),
        since(listing.now, status.summary_at.as_ref()),
        phase,
        since(listing.now, cluster.metadata.creation_timestamp.as_ref()),
    ];
    if wide {
        let infrastructure = match (
            &cluster.spec.infrastructure.aws,
            &cluster.spec.infrastructure.on_prem,
        ) {
            (Some(aws), _) => format!("aws/{}", aws.region),
            (None, Some(machines)) => format!("onPrem/{} machines", machines.machines.len()),
            (None, None) => "-".to_owned(),
        };
        let simulated = if status.simulated == Some(true) {
            " (simulated)"
        } else {
            ""
        };
        row.push(cell(status.endpoints.and_then(|e| e.url)));
        row.push(format!("{infrastructure}{simulated}"));
        row.push(cell(
            media
                .and_then(|m| m.average_load_percent)
                .map(|load| format!("{load} %")),
        ));
    }
    row
}

fn node_table(nodes: &[&OpenViduNode], now: i64, wide: bool) -> String {
    let mut head = vec![
        "NAME", "CLUSTER", "ROLE", "PHASE", "ROOMS", "PEOPLE", "LOAD", "AS-OF", "SINCE", "REASON",
        "AGE",
    ];
    if wide {
        head.extend(["INSTANCE", "ADDRESS", "ZONE", "VERSION"]);
    }
    let rows: Vec<Vec<String>> = nodes.iter().map(|node| node_row(node, now, wide)).collect();
    table(&head, &rows)
}

fn node_row(node: &OpenViduNode, now: i64, wide: bool) -> Vec<String> {
    let status = node.status.clone().unwrap_or_default();
    let mut row = vec![
        ObjectKey::of(node).to_string(),
        node.spec.cluster.clone(),
        format!("{:?}", node.spec.role),
        format!("{:?}", status.phase),
        cell(status.rooms),
        cell(status.participants),
        cell(status.load_percent.map(|load| format!("{load} %"))),
        since(now, status.occupancy_at.as_ref()),
        since(now, status.since.as_ref()),
        if status.reason.is_empty() {
            "-".to_owned()
        } else {
            status.reason
        },
        since(now, node.metadata.creation_timestamp.as_ref()),
    ];
    if wide {
        row.push(node.spec.machine.clone());
        row.extend([
            cell(status.address),
            cell(status.zone),
            cell(status.version),
        ]);
    }
    row
}
