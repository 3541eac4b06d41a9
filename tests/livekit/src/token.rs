//! Tokens, as applications make them.

use std::io;

use livekit_token::{AccessToken, VideoGrants};

/// A token with which a person joins a room.
///
/// # Errors
/// When key or secret are empty.
pub fn guest(key: &str, secret: &str, room: &str, identity: &str) -> io::Result<String> {
    AccessToken::with_api_key(key, secret)
        .with_identity(identity)
        .with_grants(VideoGrants {
            room_join: true,
            room: room.to_owned(),
            ..VideoGrants::default()
        })
        .to_jwt()
        .map_err(io::Error::other)
}

/// A token with which an application makes and lists rooms, and looks into this one.
///
/// # Errors
/// When key or secret are empty.
pub fn admin(key: &str, secret: &str, room: &str) -> io::Result<String> {
    AccessToken::with_api_key(key, secret)
        .with_grants(VideoGrants {
            room_create: true,
            room_list: true,
            room_admin: true,
            room: room.to_owned(),
            ..VideoGrants::default()
        })
        .to_jwt()
        .map_err(io::Error::other)
}
