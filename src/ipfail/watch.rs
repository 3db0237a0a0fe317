//! The loop: waits for messages, signals and the time, and carries out what the plan says.

use super::session::Session;
use super::{Action, Event, Failure, Plan};
use crate::client::ClientError;
use crate::level::Level;
use crate::logging::Logger;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// When the daemon is gone, or nothing can be waited for.
const LOST: u8 = 1;

/// What ended a wait.
enum Woken {
    Message,
    Time,
    Signal,
}

/// Signs on, and runs until a signal asks to end or the daemon is gone.
pub(super) fn run(logger: &Logger) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(broken)?;
    runtime.block_on(async {
        // before anything else: who is told to end while it signs on does so in order
        let signals = [
            signal(SignalKind::terminate()).map_err(broken)?,
            signal(SignalKind::interrupt()).map_err(broken)?,
        ];
        watch(Session::begin(logger)?, signals, logger).await
    })
}

async fn watch(mut session: Session, mut signals: [Signal; 2], logger: &Logger) -> Result<(), Failure> {
    let socket = session.client.as_fd().try_clone_to_owned().map_err(broken)?;
    let socket = UnixStream::from_std(socket.into()).map_err(broken)?;
    let mut plan = Plan::new(session.settings.clone());
    let began = Instant::now();
    logger.log(Level::Debug, "Waiting for messages...");
    loop {
        take_all(&mut session, &mut plan, began, logger).map_err(lost)?;
        match wait(&socket, &mut signals, plan.next_deadline(), began).await.map_err(broken)? {
            Woken::Message => {}
            Woken::Time => step(&mut session, &mut plan, Event::Tick, began, logger).map_err(lost)?,
            Woken::Signal => {
                session.client.sign_off();
                return Ok(());
            }
        }
    }
}

/// Everything that has come, those messages too that came while an answer was waited for.
fn take_all(
    session: &mut Session,
    plan: &mut Plan,
    began: Instant,
    logger: &Logger,
) -> Result<(), ClientError> {
    while let Some(message) = session.client.receive(Some(Duration::ZERO))? {
        if let Some(event) = Event::of(&message, &session.settings.peer) {
            step(session, plan, event, began, logger)?;
        }
    }
    Ok(())
}

fn step(
    session: &mut Session,
    plan: &mut Plan,
    event: Event,
    began: Instant,
    logger: &Logger,
) -> Result<(), ClientError> {
    let look = session.look()?;
    for action in plan.handle(began.elapsed(), event, &look) {
        match action {
            Action::Send(message) => session.client.send(&message)?,
            Action::Log(level, text) => logger.log(level, &text),
        }
    }
    Ok(())
}

async fn wait(
    socket: &UnixStream,
    signals: &mut [Signal; 2],
    deadline: Option<Duration>,
    began: Instant,
) -> io::Result<Woken> {
    // a deadline beyond the clock is none
    let deadline = deadline.and_then(|at| began.checked_add(at));
    let time = async {
        match deadline {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    };
    let [terminate, interrupt] = signals;
    tokio::select! {
        biased;
        _ = terminate.recv() => Ok(Woken::Signal),
        _ = interrupt.recv() => Ok(Woken::Signal),
        ready = socket.readable() => {
            ready?;
            // the client reads, this one only wakes: say that there is nothing more
            let _ = socket.try_io(Interest::READABLE, || Err::<(), _>(ErrorKind::WouldBlock.into()));
            Ok(Woken::Message)
        }
        () = time => Ok(Woken::Time),
    }
}

fn lost(error: ClientError) -> Failure {
    Failure { told: vec![format!("Lost the daemon: {error}")], code: LOST }
}

fn broken(error: io::Error) -> Failure {
    Failure { told: vec![format!("Cannot wait for messages: {error}")], code: LOST }
}
