//! What this system offers of what the backend needs.

use crate::{signals, user::User};
use strait_core::Finding;

pub(crate) fn examine() -> Vec<Finding> {
    vec![user(), signals::examine()]
}

fn user() -> Finding {
    const TOPIC: &str = "user";
    match User::own() {
        Ok(user) => Finding::good(TOPIC, format!("{}, number {}", user.sid, user.number())),
        Err(error) => Finding::missing(TOPIC, error.to_string(), "run it as a user"),
    }
}
