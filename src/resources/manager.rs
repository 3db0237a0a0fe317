//! ResourceManager: groups of haresources taken, given up and asked about (resources.md section 3).
//!
//! The file is read for every operation, so an edit counts from the next one on.

use super::context::Context;
use super::environment::{Environment, Layer};
use super::native::{self, Answers};
use super::plan::{Ahead, Extent, Hands, Plan, STOP_RETRIES, says_running};
use super::script::{Call, Finished, Output, find};
use super::standby;
use crate::config::haresources::{self, Group, Word};
use crate::level::Level;
use crate::logging::Logger;
use crate::paths;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Exit code of a script that could not be run at all.
const NOT_RUN: i32 = 126;
/// The operation whose output counts.
const STATUS: &str = "status";

/// One use of ResourceManager.
pub struct Manager<'a> {
    context: &'a Context,
    environment: Environment,
    log: Logger,
    status_errors: Output,
    answers: Answers,
}

impl<'a> Manager<'a> {
    /// A manager whose scripts get `environment`, dressed for their place. `status_errors` takes the
    /// standard error of `status` calls.
    pub fn new(
        context: &'a Context,
        environment: &Environment,
        below_hook: bool,
        status_errors: Output,
    ) -> Self {
        let mut environment = environment.dressed(Layer::Script { below_hook });
        environment.set_default("HA_CURHOST", &context.host);
        let log = context.logger.script("ResourceManager", "default");
        Self { context, environment, log, status_errors, answers: Answers::default() }
    }

    /// The groups of haresources; none when there is no such file.
    pub fn groups(&self) -> Vec<Group> {
        let bytes = std::fs::read(&self.context.options.haresources).unwrap_or_default();
        haresources::parse(&bytes).0
    }

    /// `listkeys NODE`; `.*` names every node.
    pub fn keys_of(&self, node: &str) -> Vec<String> {
        let groups = self.groups();
        let keys =
            if node == ".*" { haresources::all_keys(&groups) } else { haresources::keys_of(&groups, node) };
        keys.into_iter().map(String::from).collect()
    }

    /// `takegroup` or `givegroup` of each of these, in this order. `before` is told of each when its turn comes,
    /// `after` with its exit code. Addresses that follow each other move together, also from group to group.
    pub fn all(
        &self,
        what: Ahead,
        keys: &[String],
        before: &mut dyn FnMut(&str),
        after: &mut dyn FnMut(&str, i32),
    ) {
        let groups = self.groups();
        let plans: Vec<_> = keys.iter().map(|key| (key, self.plan_in(&groups, key))).collect();
        for (at, (key, plan)) in plans.iter().enumerate() {
            let to_come = plans.get(at..).into_iter().flatten().filter_map(|(_, plan)| plan.as_ref());
            let resources: Vec<&Word> = to_come.flat_map(|plan| plan.order(what)).collect();
            before(key);
            (&mut &*self).ahead(what, &resources);
            after(key, self.carry_out(what, plan.as_ref()));
        }
    }

    /// `takegroup KEY`: its exit code. An unknown key is no error.
    pub fn take(&self, key: &str) -> i32 {
        self.carry_out(Ahead::Acquire, self.plan(key).as_ref())
    }

    /// `givegroup KEY`: its exit code. An unknown key is no error.
    pub fn give(&self, key: &str) -> i32 {
        self.carry_out(Ahead::Release, self.plan(key).as_ref())
    }

    fn carry_out(&self, what: Ahead, plan: Option<&Plan>) -> i32 {
        plan.map_or(0, |plan| match what {
            Ahead::Acquire => plan.acquire(&mut &*self),
            Ahead::Release => plan.release(&mut &*self),
            Ahead::Status => 0,
        })
    }

    /// `statgroup KEY`.
    pub fn extent(&self, key: &str) -> Option<Extent> {
        self.plan(key).map(|plan| plan.extent(&mut &*self))
    }

    /// `status RSC`: whether this one resource runs here.
    pub fn runs(&self, resource: &str) -> bool {
        !self.running(&[resource.to_owned()]).is_empty()
    }

    /// Those of these resources that run here.
    pub fn running<'k>(&self, resources: &'k [String]) -> Vec<&'k String> {
        let words: Vec<Word> = resources.iter().map(|resource| Word::new(resource, 1, 1)).collect();
        let mut left = words.iter().collect::<Vec<_>>();
        let runs = |(resource, word)| {
            (&mut &*self).ahead(Ahead::Status, &left);
            left.remove(0);
            (&mut &*self).status(word).then_some(resource)
        };
        resources.iter().zip(&words).filter_map(runs).collect()
    }

    fn plan(&self, key: &str) -> Option<Plan> {
        self.plan_in(&self.groups(), key)
    }

    fn plan_in(&self, groups: &[Group], key: &str) -> Option<Plan> {
        let retries = self.environment.get("HA_STOPRETRYMAX").and_then(|n| n.trim().parse().ok());
        haresources::group_by_key(groups, key).map(|group| Plan::new(group, retries.unwrap_or(STOP_RETRIES)))
    }

    /// Where the output of start and stop goes.
    pub fn debug_log(&self) -> Output {
        self.environment
            .get_filled("HA_DEBUGLOG")
            .map_or(Output::Drop, |path| Output::Append(PathBuf::from(path)))
    }

    /// The script of a resource.
    pub(super) fn find(&self, resource: &Word) -> Option<PathBuf> {
        let own =
            self.environment.get_filled("HA_RESOURCEDIR").unwrap_or_else(|| paths::RESOURCE_DIR.to_owned());
        find(resource.script(), &[&own, paths::INIT_DIR])
    }

    fn cannot_locate(&self, resource: &Word) {
        self.log.log(Level::Error, &format!("Cannot locate resource script {}", resource.script()));
    }

    fn act(&self, resource: &Word, op: &'static str) -> i32 {
        let Some(path) = self.find(resource) else {
            self.cannot_locate(resource);
            self.cannot_locate(resource);
            return NOT_RUN;
        };
        let shown = path.display();
        self.log.log(Level::Info, &format!("Running {shown} {} {op}", resource.args().join(" ")));
        let code = self.call(resource, op, &path, self.debug_log()).map_or(NOT_RUN, |done| done.code);
        if code != 0 {
            self.log.log(Level::Error, &format!("Return code {code} from {shown}"));
        }
        code
    }

    fn call(&self, resource: &Word, op: &'static str, path: &Path, output: Output) -> Option<Finished> {
        if let Some(done) = self.answers.call(resource, op, path, self.context) {
            return Some(self.timed(resource, op, done));
        }
        if op == "stop" {
            native::let_go(resource);
        }
        let mut args = resource.args();
        args.push(op);
        let (directory, limit) = (self.context.options.directory.as_deref(), self.context.options.limit);
        let capture = op == STATUS;
        match (Call { path, args, environment: &self.environment, directory, output, capture, limit }).run() {
            Ok(done) => Some(self.timed(resource, op, done)),
            Err(error) => {
                self.log.log(Level::Error, &format!("{}: {error}", path.display()));
                None
            }
        }
    }

    fn timed(&self, resource: &Word, op: &str, done: Finished) -> Finished {
        let level = if op == STATUS { Level::Debug } else { Level::Info };
        let took = done.took.as_millis();
        self.log.log(level, &format!("{resource} {op} finished rc={} in {took} ms", done.code));
        done
    }
}

impl Hands for &Manager<'_> {
    fn ahead(&mut self, what: Ahead, resources: &[&Word]) {
        self.answers.prepare(what, resources, &|word| self.find(word), self.context);
    }

    fn status(&mut self, resource: &Word) -> bool {
        let Some(path) = self.find(resource) else {
            self.cannot_locate(resource);
            return false;
        };
        let done = self.call(resource, STATUS, &path, self.status_errors.clone());
        done.is_some_and(|done| says_running(&done.output))
    }

    fn start(&mut self, resource: &Word) -> i32 {
        self.act(resource, "start")
    }

    fn stop(&mut self, resource: &Word) -> i32 {
        self.act(resource, "stop")
    }

    fn pause(&mut self, how_long: Duration) {
        std::thread::sleep(how_long);
    }

    fn say(&mut self, level: Level, text: &str) {
        self.log.log(level, text);
    }

    fn reboot(&mut self) {
        let allowed = self.environment.get("HA_REBOOT_ON_STOP_FAILURE").as_deref() != Some("no");
        if allowed {
            self.context.options.reboot.reboot(&self.log, &self.environment);
        } else {
            self.log.log(Level::Crit, "No reboot (REBOOT_ON_STOP_FAILURE=no): the resource is NOT released!");
        }
    }

    fn standby_later(&mut self) {
        standby::later(self.context, &self.environment);
    }
}
