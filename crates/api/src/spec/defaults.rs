//! Every default, in one place: the schema writes them, and the accessors fall back to them.
//!
//! Values that depend on the profile or on a neighbour have no default in the schema, because a default there
//! would be stored with the object and outlive its reason. They are derived by an accessor instead:
//!
//! | field | effective value when absent |
//! |---|---|
//! | `spec.clusterID` | the object's name, lower-cased, `.` replaced by `-`; kept from then on |
//! | `spec.mediaEngine` | `mediasoup` (OpenVidu 2), `pion` (OpenVidu 3) |
//! | `spec.masters.desired` | `spec.masters.min`; in OpenVidu 3 the four machines |
//! | `spec.masters.max` | the greater of `min` and `desired` |
//! | `spec.media.replicas` | `spec.media.min` |
//! | `spec.media.max` | the greater of `min` and `replicas`: no growth beyond what was declared |
//! | `spec.turn.placement` | `Masters` (OpenVidu 2); OpenVidu 3 carries TURN in its media nodes |
//!
//! Sources: the CloudFormation template of OpenVidu Enterprise 2.32 for the sizes and thresholds of a form's
//! field; OpenVidu's documentation for the rest, unless the line says otherwise.

use crate::value::{Duration, Percent};

/// `spec.recording.enabled`: the form's default.
pub const RECORDING: bool = true;
/// `spec.masters.min`: the form's default.
pub const MASTERS_MIN: i32 = 1;
/// `spec.masters.instanceType`: the form's default.
pub const MASTER_INSTANCE_TYPE: &str = "c5.xlarge";
/// `spec.masters.diskGiB`: the form's fixed volume of a master.
pub const MASTER_DISK_GIB: i32 = 100;
/// `spec.media.min`: the form's default.
pub const MEDIA_MIN: i32 = 1;
/// `spec.media.instanceType`: the form's default.
pub const MEDIA_INSTANCE_TYPE: &str = "c5.xlarge";
/// `spec.media.diskGiB`: the form's fixed volume of a media node.
pub const MEDIA_DISK_GIB: i32 = 50;
/// `spec.media.maxSurge`: one node more than `max` while others drain; enough for growth to go on, and cheap.
pub const MEDIA_MAX_SURGE: i32 = 1;
/// `spec.media.drain.maxConcurrent`: drains have no bound in time, so more at once would hold much idle capacity.
pub const DRAIN_MAX_CONCURRENT: i32 = 1;
/// `spec.media.remediation.maxUnhealthy`: what Kubernetes' machine health checks use.
pub const MAX_UNHEALTHY: Percent = match Percent::new(40) {
    Some(percent) => percent,
    None => panic!("40 is a percentage"),
};
/// `spec.media.autoscaling.readingInterval`.
pub const READING_INTERVAL: Duration = Duration::from_secs(5);
/// `spec.media.autoscaling.scaleUp.averageLoadPercent`: the form's default.
pub const SCALE_UP_LOAD: i32 = 70;
/// `spec.media.autoscaling.scaleUp.readings`: one reading may be a spike, two in a row are load.
pub const SCALE_UP_READINGS: i32 = 2;
/// `spec.media.autoscaling.scaleUp.stabilization`: growth hurts nobody, so it does not wait.
pub const SCALE_UP_STABILIZATION: Duration = Duration::ZERO;
/// `spec.media.autoscaling.scaleDown.averageLoadPercent`: the form's default.
pub const SCALE_DOWN_LOAD: i32 = 30;
/// `spec.media.autoscaling.scaleDown.readings`: a minute of readings at the default interval.
pub const SCALE_DOWN_READINGS: i32 = 12;
/// `spec.media.autoscaling.scaleDown.stabilization`: a drain costs more than ten idle minutes.
pub const SCALE_DOWN_STABILIZATION: Duration = Duration::from_secs(600);
/// `spec.media.autoscaling.spareSessions`.
pub const SPARE_SESSIONS: i32 = 0;
/// `spec.ingress.rtmp`, `whip`, `webrtcTCP`: what OpenVidu 3 starts unless told otherwise.
pub const INGRESS: bool = true;
/// `spec.paused`.
pub const PAUSED: bool = false;
/// `spec.deletion.protected`: deleting an object must not end a service by accident.
pub const DELETION_PROTECTED: bool = true;
/// `spec.infrastructure.onPrem.ssh.port`: SSH's own.
pub const SSH_PORT: i32 = 22;
/// `spec.infrastructure.aws.redis.nodeType`: the template's fixed type.
pub const REDIS_NODE_TYPE: &str = "cache.t3.medium";
/// `spec.infrastructure.aws.redis.replicas`: the template runs a single node, whose loss is the cluster's; one
/// replica takes over.
pub const REDIS_REPLICAS: i32 = 1;
/// `spec.infrastructure.aws.images.copy`: the template copies both images, so that a removed one does not end
/// the deployment's ability to grow.
pub const IMAGES_COPY: bool = true;
/// `spec.infrastructure.aws.capacity.spot`.
pub const SPOT: bool = false;
