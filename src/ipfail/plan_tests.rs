//! One ipfail beside a real one: its messages and log lines, step by step as 3.0.6 was seen to do
//! (ipfail of Debian's package on both nodes, keepalive 1 s).

use super::*;
use crate::level::Level;
use crate::wire::Message;
use std::time::Duration;

struct One {
    plan: Plan,
    now: Duration,
    look: Look,
}

impl One {
    fn new(auto_failback: bool) -> Self {
        let (me, peer) = ("b1".to_owned(), "b2".to_owned());
        let keepalive = Duration::from_secs(1);
        Self {
            plan: Plan::new(Settings { me, peer, keepalive, auto_failback }),
            now: Duration::from_secs(1),
            look: look(2, Held::Local),
        }
    }

    /// What it says at level info, and what it sends, as `> KIND`.
    fn hears(&mut self, event: Event) -> Vec<String> {
        let told = self.plan.handle(self.now, event, &self.look).into_iter();
        let shown = told.filter_map(|action| match action {
            Action::Log(Level::Info, text) => Some(text),
            Action::Log(..) => None,
            Action::Send(m) => Some(format!("> {} {}", m.kind()?, m.text("rsc_hold").unwrap_or_default())),
        });
        shown.map(|line| line.trim_end().to_owned()).collect()
    }

    fn receives(&mut self, message: &Message) -> Vec<String> {
        let event = Event::of(message, "b2").unwrap();
        self.hears(event)
    }

    /// Time passes up to the next deadline, which must be this far away.
    fn waits(&mut self, seconds: u64) -> Vec<String> {
        let deadline = self.plan.next_deadline().unwrap();
        assert_eq!(deadline, self.now + Duration::from_secs(seconds));
        self.now = deadline;
        self.hears(Event::Tick)
    }

    /// One ping node falls silent; the question goes out.
    fn loses_one(&mut self) {
        self.look.seen.pop_first();
        let node = "p0".to_owned();
        assert_eq!(
            self.hears(Event::Node { node: node.clone(), status: "dead".into() }),
            ["Status update: Node p0 now has status dead", "NS: We are still alive!"]
        );
        assert_eq!(
            self.hears(Event::Link { link: node.clone(), node, status: "dead".into() }),
            [
                "Link Status update: Link p0/p0 now has status dead",
                "Asking other side for ping node count.",
                "> num_ping_nodes",
                "Checking remote count of ping nodes."
            ]
        );
    }
}

fn look(pings: usize, held: Held) -> Look {
    Look { seen: (0..pings).map(|n| format!("p{n}")).collect(), peer_active: true, held }
}

fn from_real(kind: &str) -> Message {
    Message::of(kind).with("src", "b2").with("dest", "b1")
}

fn counts(count: usize) -> Message {
    from_real("num_ping_nodes").with("num_ping", &count.to_string())
}

fn stays(lines: &[String], why: &str) -> bool {
    let stayed = lines.iter().any(|line| line.starts_with("Keeping ") && line.contains(why));
    stayed && !lines.iter().any(|line| line.starts_with("> ask_resources"))
}

const TOLD: &str = "Giving up because we were told that we have less ping nodes.";

#[test]
fn told_by_a_real_one_it_gives_up_after_the_same_delay_having_asked_again() {
    let mut one = One::new(false);
    one.loses_one();
    assert_eq!(one.receives(&from_real("you_are_dead")), [TOLD, "Delayed giveup in 2 seconds."]);
    assert_eq!(
        one.waits(2),
        ["giveup() called (timeout worked)", "Asking other side for ping node count.", "> num_ping_nodes"]
    );
    assert_eq!(
        one.receives(&from_real("you_are_dead")),
        ["Moving all resources to b2: 1 ping node seen here, at least 2 by b2.", "> ask_resources all"]
    );
}

#[test]
fn a_request_for_standby_is_the_references() {
    let mut one = One::new(false);
    one.loses_one();
    one.receives(&from_real("you_are_dead"));
    one.waits(2);
    let event = Event::of(&from_real("you_are_dead"), "b2").unwrap();
    let actions = one.plan.handle(one.now, event, &one.look);
    let request = Message::of("ask_resources").with("rsc_hold", "all").with("src", "b1").with("info", "me");
    assert!(actions.contains(&Action::Send(request)));
}

#[test]
fn a_real_one_that_says_balanced_when_asked_again_ends_it() {
    let mut one = One::new(false);
    one.loses_one();
    one.receives(&from_real("you_are_dead"));
    one.waits(2);
    let lines = one.receives(&from_real("abort_giveup"));
    assert!(
        lines[0] == "Aborted delayed giveup (1)" && stays(&lines, "1 ping node seen here, 1 by b2"),
        "{lines:?}"
    );
    assert_eq!(one.plan.next_deadline(), None);
}

#[test]
fn no_answer_moves_nothing_and_is_not_asked_for_for_ever() {
    let mut one = One::new(false);
    one.loses_one();
    one.receives(&from_real("you_are_dead"));
    one.waits(2);
    for round in 1..=3 {
        let lines = one.waits(5);
        assert!(stays(&lines, "b2 did not answer") || round > 1, "{lines:?}");
        let again = one.waits(12);
        assert_eq!(again.iter().any(|l| l == "> num_ping_nodes"), round < 3, "{round}: {again:?}");
    }
    assert_eq!(one.plan.next_deadline(), None);
}

#[test]
fn nothing_is_given_to_a_node_that_is_not_active_or_gone() {
    let mut one = One::new(false);
    one.loses_one();
    one.receives(&from_real("you_are_dead"));
    one.look.peer_active = false;
    assert!(stays(&one.waits(2), "b2 is not active"));
    let endings = [Event::Left, Event::Node { node: "b2".into(), status: "dead".into() }];
    for ending in endings {
        let mut one = One::new(false);
        one.loses_one();
        one.receives(&from_real("you_are_dead"));
        let lines = one.hears(ending);
        assert!(stays(&lines, "of b2 we know nothing"), "{lines:?}");
        assert_eq!(one.plan.next_deadline(), None);
    }
}

#[test]
fn it_answers_as_the_reference_does() {
    let mut one = One::new(false);
    assert_eq!(
        one.receives(&counts(1)),
        [
            "Telling other node that we have more visible ping nodes.",
            "> you_are_dead",
            "Keeping our resources: 2 ping nodes seen here, 1 by b2."
        ]
    );
    assert_eq!(
        one.receives(&counts(2)),
        [
            "Ping node count is balanced.",
            "> abort_giveup",
            "Keeping our resources: 2 ping nodes seen here, 2 by b2."
        ]
    );
    assert_eq!(
        one.receives(&counts(3)),
        ["Giving up because we have less visible ping nodes.", "Delayed giveup in 2 seconds."]
    );
    assert_eq!(one.receives(&from_real("abort_giveup")).first().unwrap(), "Aborted delayed giveup (1)");
    assert_eq!(one.receives(&from_real("abort_giveup")), ["No giveup timer to abort."]);
}

#[test]
fn balanced_it_gives_back_what_is_the_others_and_only_that() {
    for (failback, held, gives) in [
        (true, Held::All, true),
        (true, Held::Foreign, true),
        (true, Held::Local, false),
        (true, Held::None, false),
        (false, Held::All, false),
    ] {
        let mut one = One::new(failback);
        one.look = look(2, held);
        let lines = one.receives(&counts(2));
        let told = lines.iter().any(|l| l == "Giving up foreign resources (auto_failback).");
        assert_eq!(told, gives, "{failback} {held:?}: {lines:?}");
        assert_eq!(one.plan.next_deadline().is_some(), gives);
        if gives {
            // the second question of two ping nodes that come up together must not undo the first
            assert_eq!(one.receives(&counts(2)), ["Ping node count is balanced.", "> abort_giveup"]);
            assert!(one.waits(2).ends_with(&["> ask_resources foreign".to_owned()]));
        }
    }
}

#[test]
fn nothing_is_given_back_to_who_is_seen_to_fall_behind_or_by_who_does() {
    let mut one = One::new(true);
    one.look.held = Held::All;
    for change in 0..2 {
        one.look.seen = look(2, Held::All).seen;
        one.receives(&counts(2));
        assert_eq!(one.plan.giving_up(), Some(What::Foreign));
        if change == 0 {
            one.receives(&counts(1));
        } else {
            one.look.seen.pop_first();
            one.hears(Event::Tick);
        }
        assert_eq!((one.plan.giving_up(), one.plan.next_deadline()), (None, None));
    }
}

#[test]
fn resources_on_their_way_are_waited_for() {
    let mut one = One::new(false);
    one.loses_one();
    one.receives(&from_real("you_are_dead"));
    one.look.held = Held::Transition;
    assert!(one.waits(2).iter().any(|l| l.contains("on their way")));
    for _ in 0..20 {
        assert!(one.waits(10).is_empty());
    }
    one.look.held = Held::All;
    assert!(one.waits(10).ends_with(&["> num_ping_nodes".to_owned()]));
    assert!(one.receives(&from_real("you_are_dead")).ends_with(&["> ask_resources all".to_owned()]));
}

#[test]
fn a_standby_that_is_not_granted_is_asked_for_again_and_one_that_is_not() {
    let mut one = One::new(false);
    one.loses_one();
    one.receives(&from_real("you_are_dead"));
    one.waits(2);
    one.receives(&from_real("you_are_dead"));
    assert!(one.waits(12).ends_with(&["> num_ping_nodes".to_owned()]), "still holds everything");
    assert!(one.receives(&from_real("you_are_dead")).ends_with(&["> ask_resources all".to_owned()]));
    one.look.held = Held::None;
    assert!(one.waits(12).is_empty());
    assert_eq!(one.plan.next_deadline(), None);
}

#[test]
fn one_question_at_a_time_is_enough() {
    let mut one = One::new(false);
    let up = |node: &str| Event::Node { node: node.into(), status: "ping".into() };
    assert!(one.hears(up("p0")).contains(&"> num_ping_nodes".to_owned()));
    assert!(!one.hears(up("p1")).contains(&"> num_ping_nodes".to_owned()));
    one.receives(&from_real("abort_giveup"));
    assert!(one.hears(up("p1")).contains(&"> num_ping_nodes".to_owned()));
}

#[test]
fn messages_of_strangers_and_odd_ones_are_nothing_to_us() {
    let odd = [
        Message::new(),
        Message::of("you_are_dead").with("src", "b3"),
        Message::of("you_are_dead"),
        Message::of("num_ping_nodes").with("src", "b2"),
        counts(0).with("x", "y").with("pings", "").clone(),
        Message::of("num_ping_nodes").with("src", "b2").with("num_ping", "-1"),
        Message::of("num_ping_nodes").with("src", "b2").with("num_ping", "99999999999999999999999"),
        Message::of("status").with("src", "b2"),
        Message::of("hbapi-clstat").with("src", "b1").with("st", "join"),
        Message::of("resource").with("src", "b2").with("isstable", "1").with("info", "mach_down"),
        Message::of("T_ACKMSG").with("src", "b2"),
    ];
    let read: Vec<_> = odd.iter().filter_map(|m| Event::of(m, "b2")).collect();
    // an empty list of names is a list
    assert_eq!(read, [Event::Asked(Theirs::named(std::collections::BTreeSet::new(), false))]);
}

#[test]
fn what_ours_tell_each_other_the_other_reads() {
    let mut one = One::new(false);
    let node = Event::Node { node: "p0".into(), status: "ping".into() };
    let actions = one.plan.handle(one.now, node, &one.look);
    let Some(Action::Send(question)) = actions.iter().find(|a| matches!(a, Action::Send(_))) else {
        panic!("no question: {actions:?}")
    };
    assert_eq!((question.text("num_ping"), question.text("dest")), (Some("2"), Some("b2")));
    let Some(Event::Asked(theirs)) = Event::of(question, "b1") else { panic!("{question:?}") };
    assert_eq!(theirs, Theirs::named(one.look.seen, false));
}
