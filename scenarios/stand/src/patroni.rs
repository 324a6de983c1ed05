//! Patroni's REST API on one unit.

use pgdrill_core::ports::MemberState;
use pgdrill_sim::ManagerSeen;
use serde_json::json;

use super::{
    shared::SharedState,
    web::{Asked, HttpReply},
};
use pgdrill_sim::lock;

/// Answers a request to the member of `unit`.
pub(super) async fn answer(shared: &SharedState, unit: u32, asked: Asked) -> HttpReply {
    let asking = shared.state().unit;
    let (seen, count, is_cut) = {
        let world = lock(&shared.world);
        let is_cut = unit != asking && (world.is_cut_off(unit) || world.is_cut_off(asking));
        (world.manager(unit), world.unit_count(), is_cut)
    };
    match seen {
        ManagerSeen::Hangs => return HttpReply::Hang,
        ManagerSeen::Refuses => return HttpReply::HangUp,
        ManagerSeen::Answers if is_cut => return HttpReply::HangUp,
        ManagerSeen::Answers => {}
    }
    let Ok(ports) = shared.ports(unit) else { return HttpReply::HangUp };
    let cluster = &ports.cluster;
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/cluster") => match cluster.primary().await {
            Ok(primary) => {
                let members: Vec<_> = (0..count)
                    .map(|member| {
                        let leads = primary.is_some_and(|primary| primary.0 == member);
                        let role = if leads { "leader" } else { "replica" };
                        json!({ "name": format!("postgresql-k8s-{member}"), "role": role })
                    })
                    .collect();
                HttpReply::Answer(200, json!({ "members": members }).to_string().into_bytes())
            }
            Err(_) => HttpReply::Answer(503, Vec::new()),
        },
        ("GET", "/patroni") => {
            let state = match cluster.member_state().await {
                Ok(MemberState::Running) => "running",
                Ok(MemberState::Starting) => "starting",
                Ok(MemberState::Stopped) => "stopped",
                Err(_) => return HttpReply::HangUp,
            };
            let identifier = cluster.system_identifier().await.ok().map(|id| id.to_string());
            let reported = json!({ "state": state, "database_system_identifier": identifier });
            HttpReply::Answer(200, reported.to_string().into_bytes())
        }
        ("POST", "/reload") => HttpReply::Answer(202, b"reload scheduled".to_vec()),
        // The settings of all members are the world's since the file was written.
        ("PATCH", "/config") => HttpReply::Answer(200, b"{}".to_vec()),
        _ => HttpReply::Answer(404, Vec::new()),
    }
}
