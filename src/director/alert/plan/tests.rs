//! Texts are those that the reference sent: recorded in a guest, and in `ldirectord-scenarios/10`.

use std::time::Duration;

use super::*;
use crate::config::Source;
use crate::director::config::{self, Config, FakeMachine};
use crate::director::plan::{State, Verdict};

fn config(text: &str) -> Config {
    let source = Source::new("x.cf", text.as_bytes(), 0o600);
    config::read(&source, &FakeMachine::with_hosts(&[])).config.unwrap()
}

fn web() -> Config {
    config(
        "emailalertfreq=3\nemailalertfrom=ldirectord <noreply@example.com>\nsmtp=127.0.0.1\n\
         emailalert=\"admin@example.com\"\n\
         virtual=10.7.0.100:80\n\tservicename=Web Site\n\tcomment=call 555 first\n\treal=10.7.0.1:80 gate\n\
         \treal=10.7.0.2:80 gate\n\temailalertstatus=running,stopping\n\
         virtual=10.7.0.101:80\n\treal=10.7.0.1:80 gate\n\temailalert=a@example.com, B <b@example.com>\n\
         \temailalertfreq=0\n\tsmtp=mx\n",
    )
}

fn quiescent(config: &Config) -> Event {
    let virt = &config.virtuals[0];
    let event = Event::server(virt.id, Subject::Real, virt.reals[0].at, "Quiescent", None);
    Event { weight: Some(0), ..event }
}

#[test]
fn an_event_makes_an_email_in_the_states_that_are_wanted() {
    let config = web();
    let mail = |status| of_event(&config.global, &config.virtuals[0], &quiescent(&config), status);
    assert_eq!((mail(Status::Starting), mail(Status::Reloading)), (None, None));
    assert!(mail(Status::Stopping).is_some());
    let mail = mail(Status::Running).unwrap();
    assert_eq!(
        mail.log_line,
        "emailalert: Quiescent real server: 10.7.0.1:80 (10.7.0.100:80) (Weight set to 0)"
    );
    let identity = Identity { user: "root".into(), node: "vm".into() };
    let told = "From: ldirectord <noreply@example.com>\nTo: admin@example.com\n\
        Subject: [Web Site] Quiescent real server: 10.7.0.1:80 (10.7.0.100:80) (Weight set to 0)\n\n\
        ldirectord host: vm\n\
        Log-Message: [Web Site] Quiescent real server: 10.7.0.1:80 (10.7.0.100:80) (Weight set to 0)\n\
        Daemon-Status: running\n\nService name: Web Site\nComment: call 555 first\n";
    assert_eq!(mail.text(&identity), told);
    assert_eq!(mail.recipients(), ["admin@example.com"]);
}

#[test]
fn of_who_is_named_no_more_one_email_tells() {
    let config = web();
    let virt = &config.virtuals[0];
    let event = |verb, weight| Event {
        weight,
        ..Event::server(virt.id, Subject::Stranger, virt.reals[0].at, verb, None)
    };
    let mail = |event: Event| of_event(&config.global, virt, &event, Status::Running);
    assert_eq!(mail(event("Quiescent", Some(0))), None);
    assert!(mail(event("Purged", None)).is_some());
}

#[test]
fn a_services_own_words_come_first() {
    let config = web();
    let virt = &config.virtuals[1];
    let event = Event::server(virt.id, Subject::Fallback, virt.reals[0].at, "Added", None);
    let mail = of_event(&config.global, virt, &event, Status::Starting).unwrap();
    assert_eq!(mail.smtp.as_deref(), Some("mx"));
    assert_eq!(mail.recipients(), ["a@example.com", "b@example.com"]);
    let text = mail.text(&Identity { user: "root".into(), node: "vm".into() });
    assert!(text.contains("\nTo: a@example.com, B <b@example.com>\n"), "{text}");
    assert!(text.ends_with("Daemon-Status: starting\n"), "{text}");
    let of_itself = Event::virtual_server(virt.id, "Purged", Some("stop"));
    assert_eq!(of_event(&config.global, virt, &of_itself, Status::Stopping), None);
    let readd = Event { verb: "Readd Quiescent", ..event };
    let mail = of_event(&config.global, virt, &readd, Status::Running).unwrap();
    assert_eq!(mail.log_line, "emailalert: Quiescent fallback server: 10.7.0.1:80 (10.7.0.101:80)");
}

#[test]
fn who_sends_is_told_to_a_mail_host_only() {
    let text = |smtp: &str| {
        let config =
            config(&format!("{smtp}emailalert=x@y\nvirtual=10.7.0.100:80\n\treal=10.7.0.1:80 gate\n"));
        let mail = of_event(&config.global, &config.virtuals[0], &quiescent(&config), Status::Running);
        mail.unwrap().text(&Identity { user: "root".into(), node: "vm".into() })
    };
    assert!(text("smtp=127.0.0.1\n").starts_with("From: root@vm\nTo: x@y\n"));
    assert!(text("").starts_with("To: x@y\nSubject: Quiescent"));
}

#[test]
fn who_stays_down_is_remembered() {
    let config = web();
    let mut state = State::new(&config);
    let mut reminders = Reminders::default();
    let mut told = |state: &State, second, status| {
        let mails = reminders.due(Duration::from_secs(second), &config, state, status);
        let lines: Vec<String> = mails.into_iter().map(|mail| mail.log_line).collect();
        (lines, reminders.next_deadline(&config).map(|at| at.as_secs()))
    };
    assert_eq!(told(&state, 9, Status::Running), (vec![], None));
    state.judge(&config, 0, 0, Verdict::Down);
    state.judge(&config, 1, 0, Verdict::Down);
    assert_eq!(told(&state, 10, Status::Running), (vec![], Some(13)));
    state.judge(&config, 0, 1, Verdict::Maintenance);
    assert_eq!(told(&state, 12, Status::Running), (vec![], Some(13)));
    let first = "emailalert: Inaccessible real server: 10.7.0.1:80 (10.7.0.100:80)".to_owned();
    let second = "emailalert: Inaccessible real server: 10.7.0.2:80 (10.7.0.100:80)".to_owned();
    assert_eq!(told(&state, 13, Status::Running), (vec![first.clone()], Some(15)));
    assert_eq!(told(&state, 13, Status::Running), (vec![], Some(15)));
    assert_eq!(told(&state, 15, Status::Reloading), (vec![], Some(16)), "not while it reloads");
    assert_eq!(told(&state, 18, Status::Running), (vec![first, second], Some(21)));
    state.judge(&config, 0, 0, Verdict::Up);
    state.judge(&config, 0, 1, Verdict::Up);
    assert_eq!(told(&state, 30, Status::Running), (vec![], None));
    state.judge(&config, 0, 0, Verdict::Down);
    assert_eq!(told(&state, 31, Status::Running), (vec![], Some(34)));
}
