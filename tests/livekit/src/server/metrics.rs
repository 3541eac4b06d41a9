//! Metrics, and the door of the model.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::node::Node;
use crate::door::Told;

pub(super) async fn text(State(node): State<Arc<Node>>) -> String {
    let (rooms, people) = {
        let inner = node.lock();
        (inner.rooms.len(), inner.participants())
    };
    let labels = format!("{{node_id=\"{}\",node_type=\"SERVER\"}}", node.id);
    format!(
        "# HELP livekit_room_total \n# TYPE livekit_room_total gauge\nlivekit_room_total{labels} {rooms}\n\
         # HELP livekit_participant_total \n# TYPE livekit_participant_total gauge\nlivekit_participant_total{labels} {people}\n"
    )
}

pub(super) async fn door(State(node): State<Arc<Node>>) -> Json<Told> {
    Json(Told {
        node_id: node.id.clone(),
        signals: node.lock().signals.clone(),
    })
}
