//! Patroni's REST API on one unit.

use pgdrill_core::ports::MemberState;
use pgdrill_sim::ManagerSeen;
use serde_json::json;

use super::{
    desk::Desk,
    web::{Asked, Reply},
};
use pgdrill_sim::lock;

/// Answers a request to the member of `unit`.
pub(super) async fn answer(desk: &Desk, unit: u32, asked: Asked) -> Reply {
    let asking = desk.state().unit;
    let (seen, count, is_cut) = {
        let world = lock(&desk.world);
        let is_cut = unit != asking && (world.is_cut_off(unit) || world.is_cut_off(asking));
        (world.manager(unit), world.unit_count(), is_cut)
    };
    match seen {
        ManagerSeen::Hangs => return Reply::Hang,
        ManagerSeen::Refuses => return Reply::HangUp,
        ManagerSeen::Answers if is_cut => return Reply::HangUp,
        ManagerSeen::Answers => {}
    }
    let Ok(ports) = desk.ports(unit) else { return Reply::HangUp };
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
                Reply::Answer(200, json!({ "members": members }).to_string().into_bytes())
            }
            Err(_) => Reply::Answer(503, Vec::new()),
        },
        ("GET", "/patroni") => {
            let state = match cluster.member_state().await {
                Ok(MemberState::Running) => "running",
                Ok(MemberState::Starting) => "starting",
                Ok(MemberState::Stopped) => "stopped",
                Err(_) => return Reply::HangUp,
            };
            let identifier = cluster.system_identifier().await.ok().map(|id| id.to_string());
            let told = json!({ "state": state, "database_system_identifier": identifier });
            Reply::Answer(200, told.to_string().into_bytes())
        }
        ("POST", "/reload") => Reply::Answer(202, b"reload scheduled".to_vec()),
        // The settings of all members are the world's since the file was written.
        ("PATCH", "/config") => Reply::Answer(200, b"{}".to_vec()),
        _ => Reply::Answer(404, Vec::new()),
    }
}
