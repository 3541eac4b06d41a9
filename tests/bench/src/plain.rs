//! A plain client: as many writes of the same kinds and sizes as the operator made, and nothing else.
//!
//! It makes them in the operator's order, cluster by cluster, as many clusters at once and as many requests a second.
//! Each body is the object as the operator left it in the end; a status differs from the last one by a number, so that
//! the server has something to write.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ovo_kube::Audited;
use serde_json::{Value, json};

use crate::bed::{Bed, NAMESPACE, PLAIN, name};
use crate::load::{Pace, each};

/// Clusters that the operator works on at once, unless told otherwise.
const AT_ONCE: usize = 8;
/// The operator's own rate, unless told otherwise.
const PER_SECOND: u32 = 100;
/// The operator's own burst.
const BURST: u32 = 200;

/// Objects as the operator left them, by resource and name.
type Final = BTreeMap<(String, String), Value>;

/// Makes the writes anew in a namespace of its own; how long it took.
///
/// # Errors
/// The first refusal.
pub(crate) fn again(bed: &Bed, clusters: usize, writes: &[Audited]) -> Result<Duration, String> {
    let mut objects = Final::new();
    for resource in ["openviduclusters", "openvidunodes", "secrets"] {
        for object in list(bed, &path(NAMESPACE, resource, "", ""))? {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            objects.insert((resource.to_owned(), name.to_owned()), object);
        }
    }
    bed.apply(PLAIN, clusters)?;
    let mut of: BTreeMap<&str, Vec<&Audited>> = BTreeMap::new();
    for write in writes {
        let cluster = write.name.split('-').next().unwrap_or_default();
        of.entry(cluster).or_default().push(write);
    }
    let pace = Pace::new(PER_SECOND, BURST);
    let began = Instant::now();
    each(clusters, AT_ONCE, |n| {
        let mut versions = BTreeMap::new();
        let cluster = name(n);
        for (number, write) in of.get(cluster.as_str()).into_iter().flatten().enumerate() {
            one(bed, &objects, &mut versions, &pace, number, write)?;
        }
        Ok(())
    })?;
    Ok(began.elapsed())
}

fn one<'w>(
    bed: &Bed,
    objects: &Final,
    versions: &mut BTreeMap<(&'w str, &'w str), Value>,
    pace: &Pace,
    number: usize,
    write: &'w Audited,
) -> Result<(), String> {
    let (resource, name) = (write.resource.as_str(), write.name.as_str());
    let known = objects.get(&(resource.to_owned(), name.to_owned()));
    let known = known.ok_or_else(|| format!("{resource} {name} is not there any more"))?;
    let key = (resource, name);
    let (method, path, body) = match write.verb.as_str() {
        "create" => {
            let mut body = known.clone();
            body["metadata"] = json!({
                "name": name,
                "labels": known["metadata"]["labels"],
                "finalizers": known["metadata"]["finalizers"],
                "ownerReferences": known["metadata"]["ownerReferences"],
            });
            if let Some(body) = body.as_object_mut().filter(|_| resource != "secrets") {
                body.remove("status");
            }
            ("POST", path(PLAIN, resource, "", ""), body)
        }
        "update" => {
            let at = path(PLAIN, resource, name, &write.subresource);
            let mut body = known.clone();
            body["metadata"] = match versions.get(&key) {
                Some(metadata) => metadata.clone(),
                None => get(bed, &path(PLAIN, resource, name, ""))?["metadata"].clone(),
            };
            // Something new in each, and as long as what was there.
            body["status"]["conditions"][0]["message"] = json!(format!("{number:08}"));
            ("PUT", at, body)
        }
        "patch" => {
            let body = json!({"metadata": {
                "annotations": {"openvidu.io/infrastructure-id": format!("{number:08}")},
                "finalizers": known["metadata"]["finalizers"],
            }});
            ("PATCH", path(PLAIN, resource, name, ""), body)
        }
        other => return Err(format!("the operator made a {other} of {resource} {name}")),
    };
    pace.turn();
    let answer = bed.api.request(method, &path, Some(&body));
    let answer = answer.map_err(|e| e.to_string())?;
    if answer.code >= 300 {
        return Err(format!("{method} {path}: {} {}", answer.code, answer.body));
    }
    versions.insert(key, answer.body["metadata"].clone());
    Ok(())
}

/// All objects, a page at a time: thousands in one answer are more than the client takes.
fn list(bed: &Bed, path: &str) -> Result<Vec<Value>, String> {
    let (mut objects, mut next) = (Vec::new(), String::new());
    loop {
        let mut page = get(bed, &format!("{path}?limit=500&continue={next}"))?;
        if let Value::Array(items) = page["items"].take() {
            objects.extend(items);
        }
        match page["metadata"]["continue"].as_str() {
            Some(token) if !token.is_empty() => token.clone_into(&mut next),
            _ => return Ok(objects),
        }
    }
}

fn get(bed: &Bed, path: &str) -> Result<Value, String> {
    let answer = bed.api.request("GET", path, None);
    let answer = answer.map_err(|e| e.to_string())?;
    if answer.code == 200 {
        Ok(answer.body)
    } else {
        Err(format!("GET {path}: {} {}", answer.code, answer.body))
    }
}

fn path(namespace: &str, resource: &str, name: &str, subresource: &str) -> String {
    let api = match resource {
        "secrets" => "api/v1",
        _ => "apis/openvidu.io/v1alpha1",
    };
    let parts = [api, "namespaces", namespace, resource, name, subresource];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .fold(String::new(), |path, part| format!("{path}/{part}"))
}
