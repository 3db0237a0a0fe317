//! Addresses in resource words: impossible ones are found before anybody tries to use them
//! (resources.md section 9). Pure text; nothing is configured here.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use super::Word;
use crate::config::value::{Refusal, looks_dotted, number};

/// Whether the script moves addresses and does nothing else: it brings no interface.
pub(super) fn is_agent(script: &str) -> bool {
    matches!(script, "IPaddr" | "IPaddr2" | "IPv6addr" | "SendArp")
}

/// What the scripts for IPv4 want.
const FORM4: &str = "ADDRESS[/BITS[/INTERFACE[:LABEL]][/BROADCAST]], such as 10.1.2.3/24/eth0";
/// What the script for IPv6 wants.
const FORM6: &str = "ADDRESS[/BITS[/INTERFACE]] with all eight groups written out, such as \
                     2001:db8:0:0:0:0:0:1/64/eth0: \"::\" separates arguments";
/// Longest label the kernel takes.
const LABEL_MAX: usize = 15;

/// The interface of the address that a word asks for, if it names one; or what is wrong with the address. Words for
/// other scripts are right.
pub(super) fn check(word: &Word) -> Result<Option<&str>, Refusal> {
    let form = match word.script() {
        "IPaddr" | "IPaddr2" => FORM4,
        "IPv6addr" => FORM6,
        _ => return Ok(None),
    };
    let args = word.args();
    let [argument] = *args.as_slice() else {
        let message = format!("{} wants one argument and gets {}", word.script(), args.len());
        return Err(Refusal::new(message, form));
    };
    if form == FORM6 { version6(argument) } else { version4(argument, word.script() == "IPaddr2") }
}

/// Whether a word begins with what can only be meant as an IPv4 address, and is none: four numbers, such as 10.1.2.300.
pub(super) fn is_mistyped(word: &Word) -> bool {
    let args = word.args();
    let address = args.first().and_then(|argument| argument.split('/').next()).unwrap_or_default();
    looks_dotted(address) && address.split('.').count() == 4 && address.parse::<Ipv4Addr>().is_err()
}

/// `ADDRESS[/BITS[/NIC[:LABEL]][/BROADCAST]]`, where several slashes count as one. `two`: for IPaddr2, which takes
/// the label, and signs for the broadcast address.
fn version4(argument: &str, two: bool) -> Result<Option<&str>, Refusal> {
    let (address, rest) = argument.split_once('/').unwrap_or((argument, ""));
    let mut rest = rest.split('/').filter(|field| !field.is_empty());
    if two && address.contains(':') {
        let message = "IPaddr2 takes no IPv6 address";
        return Err(Refusal::new(message, format!("IPv6addr::{FORM6}")));
    }
    host4(address)?;
    rest.next().filter(|bits| !is_mask(bits)).map_or(Ok(()), |bits| prefix(bits, 1..=32))?;
    let third = rest.next();
    let broadcast = third.filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let fourth = rest.next().filter(|text| !(two && matches!(*text, "+" | "-")));
    for text in broadcast.into_iter().chain(fourth) {
        address4(text, "broadcast address")?;
    }
    let nic = third.filter(|_| broadcast.is_none());
    if let Some(label) = nic.filter(|nic| two && nic.contains(':') && nic.len() > LABEL_MAX) {
        let message = format!("the label {label:?} has {} characters", label.len());
        return Err(Refusal::new(message, format!("a label of at most {LABEL_MAX} characters")));
    }
    Ok(nic.map(without_label).filter(|nic| !nic.is_empty()))
}

/// `ADDRESS[/BITS[/NIC]]`; 0 bits, or none, are those of the route.
fn version6(argument: &str) -> Result<Option<&str>, Refusal> {
    let mut fields = argument.splitn(3, '/');
    let address = fields.next().unwrap_or_default();
    let known: Option<Ipv6Addr> = address.parse().ok();
    if known.is_none_or(|known| known.is_unspecified() || known.is_multicast()) {
        return Err(Refusal::new(format!("{address:?} is no possible IPv6 address"), FORM6));
    }
    fields.next().filter(|bits| !bits.is_empty()).map_or(Ok(()), |bits| prefix(bits, 0..=128))?;
    let nic = fields.next().and_then(|rest| rest.split('/').find(|field| !field.is_empty()));
    Ok(nic.map(without_label).filter(|nic| !nic.is_empty()))
}

fn host4(text: &str) -> Result<(), Refusal> {
    let known = address4(text, "address")?;
    if known.is_multicast() || known.is_unspecified() {
        return Err(Refusal::new(format!("{text} is not the address of one host"), FORM4));
    }
    Ok(())
}

fn address4(text: &str, what: &str) -> Result<Ipv4Addr, Refusal> {
    text.parse().map_err(|_| Refusal::new(format!("{text:?} is no possible {what}"), FORM4))
}

fn prefix(text: &str, range: RangeInclusive<u32>) -> Result<(), Refusal> {
    let message = format!("{text:?} is no possible prefix length");
    let allowed = format!("a number from {} to {}", range.start(), range.end());
    number(text, range, &[]).map(drop).map_err(|_| Refusal::new(message, allowed))
}

/// Whether this is a dotted netmask: ones, then zeros.
fn is_mask(text: &str) -> bool {
    let mask = text.parse::<Ipv4Addr>().map(u32::from);
    mask.is_ok_and(|bits| bits != 0 && bits.leading_ones() + bits.trailing_zeros() == 32)
}

fn without_label(nic: &str) -> &str {
    nic.split(':').next().unwrap_or_default()
}
