//! What a fuzzer drives: the bytes of a client on the register socket, signed on before or not. No panic, what
//! waits is bounded, and no request makes more answers than it may.

use super::frame::{FrameError, HEADER, MAX_BODY, Reader, frame};
use super::{ConnId, Desk, Order, Peer, Rules, Sight};
use crate::config::Config;
use crate::engine::fuzz::some_engine;
use crate::wire::Message;

/// Orders that one message may cause: there are two clients and a few log lines.
const MOST_ORDERS: usize = 200;

/// Bytes of a client. The first one says whether it signs on before, and how the rest is cut.
pub fn fuzz_frames(bytes: &[u8]) {
    let (Some((first, bytes)), Some(engine)) = (bytes.split_first(), some_engine()) else { return };
    let alive = |_: i32| true;
    let sight = Sight { engine: &engine, alive: &alive };
    let mut desk = Desk::new(Rules::new(&Config::default(), 0, 0), "b1");
    let id = ConnId(1);
    desk.connected(id, Peer { pid: 77, uid: 0, gid: 0 });
    if first.is_multiple_of(2) {
        let name = if first.is_multiple_of(4) { "ping" } else { "77" };
        let hello = Message::of("hbapi-req").with("reqtype", "signon").with("dest", "b1");
        let hello = hello.with("pid", "77").with("from_id", name).with("uid", "0").with("gid", "0");
        desk.received(id, Ok(hello), sight);
    }
    let mut reader = Reader::new();
    for part in bytes.chunks(usize::from(*first).max(1)) {
        reader.feed(part);
        while reader.ready() {
            let Some(came) = reader.take().transpose() else { return };
            let lost = matches!(came, Err(FrameError::Lost { .. }));
            let orders = desk.received(id, came, sight);
            assert!(orders.len() <= MOST_ORDERS, "{} orders", orders.len());
            orders.iter().for_each(can_be_written);
            if lost {
                return;
            }
        }
        assert!(reader.held() <= HEADER + MAX_BODY + part.len(), "{} bytes are held", reader.held());
    }
}

/// What is written can be framed, or is too big and says so.
fn can_be_written(order: &Order) {
    if let Order::Write { message, .. } = order {
        drop(frame(message));
    }
}
