//! The scripts around ResourceManager, done natively: mach_down, req_resource, the hooks of rc.d and
//! their dispatcher harc (resources.md section 5).
//!
//! What they would write to the FIFO goes through `emit`. A hook the administrator changed is not
//! ours and runs as a program.

use super::context::Context;
use super::environment::{Environment, Layer};
use super::manager::Manager;
use super::plan::Ahead;
use super::script::{Call, Output, is_program};
use super::standby;
use crate::engine::{Hold, TAKING};
use crate::level::Level;
use crate::logging::Logger;
use crate::paths;
use crate::wire::Message;
use std::path::{Path, PathBuf};

/// Exit code of a hook that is not there or cannot be run.
const NOT_RUN: i32 = 1;

/// One run of a hook or tool: where, with which variables, and how it speaks to the daemon.
pub struct Scene<'a> {
    /// The surroundings.
    pub context: &'a Context,
    /// Variables, not yet dressed.
    pub environment: Environment,
    /// Below harc: shown paths get the doubled slash.
    pub below_hook: bool,
    /// Takes the standard error of `status` calls.
    pub status_errors: Output,
    /// Takes messages for the daemon.
    pub emit: &'a mut dyn FnMut(Message),
}

impl Scene<'_> {
    fn log(&self, name: &str) -> Logger {
        self.context.logger.script(name, "default")
    }

    /// A ResourceManager for this scene.
    pub fn manager(&self) -> Manager<'_> {
        Manager::new(self.context, &self.environment, self.below_hook, self.status_errors.clone())
    }

    fn variable(&self, name: &str) -> String {
        self.environment.get(name).unwrap_or_default()
    }

    fn is_us(&self, node: &str) -> bool {
        node.eq_ignore_ascii_case(&self.context.host)
    }

    fn nice(&self) -> bool {
        self.environment.is_yes("HA_NICEFAILBACK")
    }

    fn debug_log(&self) -> Output {
        self.environment.get_filled("HA_DEBUGLOG").map_or(Output::Drop, |path| Output::Append(path.into()))
    }
}

/// `harc KIND`: the hook of that name, in-process where both it and the dispatcher are ours.
pub fn harc(kind: &str, scene: &mut Scene<'_>) -> i32 {
    run(kind, scene).unwrap_or(NOT_RUN)
}

/// Its exit code, if there is such a hook.
fn run(kind: &str, scene: &mut Scene<'_>) -> Option<i32> {
    scene.below_hook = true;
    scene.status_errors = scene.debug_log();
    let log = scene.log("harc");
    let hook = PathBuf::from(format!("{}/{kind}", rc_dir(scene)));
    if kind.is_empty() || kind.contains('/') || !is_program(&hook) {
        log.log(Level::Error, &format!("{}: {}: not executable", paths::HARC, hook.display()));
        return None;
    }
    log.log(Level::Info, &format!("Running {} {kind}", hook.display()));
    Some(if is_ours(&hook, scene.context) { native(kind, scene) } else { foreign(&hook, kind, scene) })
}

/// A `Hook` job: as [`harc`], unless the administrator's own dispatcher stands in its place. What is needed is done
/// without a file, too.
pub(super) fn dispatch(kind: &str, scene: &mut Scene<'_>) -> i32 {
    let harc_path = scene.context.options.harc.clone();
    if !is_ours(&harc_path, scene.context) && harc_path.exists() {
        return foreign(&harc_path, kind, scene);
    }
    run(kind, scene).unwrap_or_else(|| if TAKING.contains(&kind) { native(kind, scene) } else { NOT_RUN })
}

fn rc_dir(scene: &Scene<'_>) -> String {
    scene.environment.get_filled("HA_RCDIR").unwrap_or_else(|| format!("{}/rc.d", paths::HA_DIR))
}

/// Whether a program is a link to our multi-call program.
fn is_ours(program: &Path, context: &Context) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(program).is_some_and(|there| real(&context.options.tool) == Some(there))
}

/// Runs somebody else's hook, its output to the debug log.
fn foreign(program: &Path, kind: &str, scene: &Scene<'_>) -> i32 {
    let environment = scene.environment.dressed(Layer::Hook);
    let options = &scene.context.options;
    let call = Call {
        path: program,
        args: vec![kind],
        environment: &environment,
        directory: options.directory.as_deref(),
        output: scene.debug_log(),
        capture: false,
        limit: options.limit,
    };
    match call.run() {
        Ok(done) => done.code,
        Err(error) => {
            scene.log("harc").log(Level::Error, &format!("{}: {error}", program.display()));
            NOT_RUN
        }
    }
}

/// The hooks that come with heartbeat. Another name linked to our program does nothing.
pub fn native(kind: &str, scene: &mut Scene<'_>) -> i32 {
    match kind {
        "status" => status(scene),
        "ip-request" => ip_request(scene),
        "ip-request-resp" => ip_request_resp(scene),
        "ask_resources" => ask_resources(scene),
        "hb_takeover" => hb_takeover(scene),
        _ => 0,
    }
}

/// `rc.d/status`: a node died.
fn status(scene: &mut Scene<'_>) -> i32 {
    let node = scene.variable("HA_src");
    if scene.variable("HA_st") == "dead" { mach_down(&node, scene) } else { 0 }
}

/// `mach_down NODE`: takes every group of that node, and says so to the daemon.
pub fn mach_down(node: &str, scene: &mut Scene<'_>) -> i32 {
    let node = node.to_lowercase();
    // Anywhere in it, as 3.0.6 looks. The engine, whose own message this is, says no more than that word.
    if node.is_empty() || scene.is_us(&node) || scene.variable("HA_info").contains("ping") {
        return 0;
    }
    let log = scene.log("mach_down");
    take_all_of(&node, scene, &log);
    if scene.nice() {
        let program = format!("{}/mach_down", paths::SHARE);
        log.log(Level::Info, &format!("{program}: nice_failback: foreign resources acquired"));
        (scene.emit)(foreign_held("mach_down"));
    }
    log.log(Level::Info, &format!("mach_down takeover complete for node {node}."));
    0
}

fn take_all_of(node: &str, scene: &Scene<'_>, log: &Logger) {
    let manager = scene.manager();
    let mut tell = |key: &str| log.log(Level::Info, &format!("Taking over resource group {key}"));
    manager.all(Ahead::Acquire, &manager.keys_of(node), &mut tell, &mut |_, _| ());
}

fn foreign_held(reason: &str) -> Message {
    Message::of("resource").with("rsc_hold", Hold::Foreign.word()).with("info", reason)
}

/// `req_resource KEY`: asks for a group that does not run here yet; nobody else to ask, or the
/// nice-failback protocol in use, means to grant it to ourselves.
pub fn req_resource(key: &str, scene: &mut Scene<'_>) {
    req_resources(&[key.to_owned()], scene);
}

/// The same for several.
pub(super) fn req_resources(keys: &[String], scene: &mut Scene<'_>) {
    let running: Vec<String> = scene.manager().running(keys).into_iter().cloned().collect();
    keys.iter().filter(|key| !running.contains(key)).for_each(|key| request(key, scene));
}

fn request(key: &str, scene: &mut Scene<'_>) {
    let own = scene.nice() || scene.environment.is_yes("HA_DONTASK");
    let message = if own {
        ip_response(&scene.context.host, key, true)
    } else {
        Message::of("ip-request").with("ipaddr", key)
    };
    (scene.emit)(message);
}

fn ip_response(to: &str, key: &str, we_own: bool) -> Message {
    let answer = if we_own { "yes" } else { "no" };
    Message::of("ip-request-resp").with("dest", to).with("ipaddr", key).with("weown", answer).with("ok", "OK")
}

/// `rc.d/ip-request`: the other node wants a group (legacy mode).
fn ip_request(scene: &mut Scene<'_>) -> i32 {
    let (from, key) = (scene.variable("HA_src"), scene.variable("HA_ipaddr"));
    if scene.is_us(&from) {
        return 0;
    }
    let we_own = scene.manager().runs(&key);
    if we_own {
        let local = PathBuf::from(format!("{}/local_giveip", rc_dir(scene)));
        if is_program(&local) {
            foreign(&local, "ip-request", scene);
        }
        scene.manager().give(&key);
    }
    (scene.emit)(ip_response(&from, &key, we_own));
    0
}

/// `rc.d/ip-request-resp`: a group was granted.
fn ip_request_resp(scene: &Scene<'_>) -> i32 {
    if !scene.is_us(&scene.variable("HA_dest")) {
        return 0;
    }
    let (key, ok) = (scene.variable("HA_ipaddr"), scene.variable("HA_ok"));
    let text = format!("received ip-request-resp {key} {ok} {}", scene.variable("HA_weown"));
    scene.log("ip-request-resp").bare(Level::Info, &text);
    if ok == "OK" { scene.manager().take(&key) } else { 0 }
}

/// `rc.d/ask_resources`: the legacy helper. The daemon handles this message itself and runs no hook.
fn ask_resources(scene: &mut Scene<'_>) -> i32 {
    let node = scene.variable("HA_src");
    let log = scene.log("ask_resources");
    log.log(Level::Info, &format!("XXXX standby node {node}"));
    take_all_of(&node, scene, &log);
    if scene.nice() {
        let text = format!("{}/ask_resources: nice_failback: acquiring foreign resources", rc_dir(scene));
        log.log(Level::Info, &text);
        (scene.emit)(foreign_held("standby"));
    }
    0
}

/// `rc.d/hb_takeover`: the other node wants resources; give it what it calls its own.
fn hb_takeover(scene: &mut Scene<'_>) -> i32 {
    if scene.is_us(&scene.variable("HA_src")) {
        return 0;
    }
    let wanted = Hold::parse(&scene.variable("HA_rsc_hold")).filter(|set| *set != Hold::None);
    hb_standby(wanted.map_or(Hold::All, Hold::mirror), scene);
    0
}

/// `hb_standby SET`.
pub fn hb_standby(set: Hold, scene: &mut Scene<'_>) {
    go_standby(set, standby::request(set), scene);
}

/// The same after a group could not be started.
pub fn standby_after_failure(set: Hold, scene: &mut Scene<'_>) {
    go_standby(set, standby::request_after_failure(set), scene);
}

fn go_standby(set: Hold, request: Message, scene: &mut Scene<'_>) {
    scene.log("hb_standby").bare(Level::Info, &format!("Going standby [{}].", set.word()));
    (scene.emit)(request);
}
