//! Addresses in resource words: impossible ones are found before anybody tries to use them
//! (resources.md section 9). Pure text; nothing is configured here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Word;
use crate::config::value::{Refusal, looks_dotted, number};

/// Whether the script moves addresses and does nothing else: it brings no interface.
pub(super) fn is_agent(script: &str) -> bool {
    matches!(script, "IPaddr" | "IPaddr2" | "IPv6addr" | "SendArp")
}

/// The interface of the address that a word asks for, if it names one; or what is wrong with the address. Words that
/// ask for none are right.
pub(super) fn check(word: &Word) -> Result<Option<&str>, Refusal> {
    let args = word.args();
    let Some(argument) = args.first() else { return Ok(None) };
    let fields: Vec<&str> = argument.split('/').collect();
    match word.script() {
        "IPaddr" => version4(&fields, true),
        "IPaddr2" if is_v6(&fields) => version6(&fields),
        "IPaddr2" => version4(&fields, false),
        "IPv6addr" => version6(&fields),
        _ => Ok(None),
    }
}

fn is_v6(fields: &[&str]) -> bool {
    fields.first().is_some_and(|address| address.contains(':'))
}

/// `ADDRESS[/BITS[/NIC[:LABEL]][/BROADCAST]]`.
fn version4<'a>(fields: &[&'a str], dotted_mask: bool) -> Result<Option<&'a str>, Refusal> {
    const FORM: &str = "ADDRESS[/BITS[/INTERFACE[:LABEL]][/BROADCAST]], such as 10.1.2.3/24/eth0";
    let field = |n: usize| fields.get(n).copied().filter(|text| !text.is_empty());
    let address = field(0).unwrap_or_default();
    address4(address, "address", FORM)?;
    if let Some(bits) = field(1).filter(|bits| !(dotted_mask && is_mask(bits))) {
        prefix(bits, 32)?;
    }
    let third = field(2);
    let broadcast = third.filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    for address in broadcast.into_iter().chain(field(3)) {
        address4(address, "broadcast address", FORM)?;
    }
    Ok(third.filter(|_| broadcast.is_none()).map(without_label))
}

/// `ADDRESS[/BITS[/NIC]]`.
fn version6<'a>(fields: &[&'a str]) -> Result<Option<&'a str>, Refusal> {
    const FORM: &str = "ADDRESS[/BITS[/INTERFACE]] with all eight groups written out, such as \
                        2001:db8:0:0:0:0:0:1/64/eth0: \"::\" separates arguments";
    let field = |n: usize| fields.get(n).copied().filter(|text| !text.is_empty());
    let address = field(0).unwrap_or_default();
    let known: Option<Ipv6Addr> = address.parse().ok();
    if known.is_none_or(|known| IpAddr::V6(known).is_unspecified() || known.is_multicast()) {
        let message = format!("{address:?} is no possible IPv6 address");
        return Err(Refusal::new(message, FORM));
    }
    field(1).map_or(Ok(()), |bits| prefix(bits, 128))?;
    Ok(field(2).map(without_label))
}

/// A literal address. Names are left to the script, which may know them.
fn address4(text: &str, what: &str, form: &str) -> Result<(), Refusal> {
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic()) && !looks_dotted(text);
    match text.parse::<Ipv4Addr>() {
        Ok(known) if what == "address" && (known.is_multicast() || known.is_unspecified()) => {
            Err(Refusal::new(format!("{text} is not the address of one host"), form))
        }
        Ok(_) => Ok(()),
        Err(_) if is_name && what == "address" => Ok(()),
        Err(_) => Err(Refusal::new(format!("{text:?} is no possible {what}"), form)),
    }
}

fn prefix(text: &str, most: u32) -> Result<(), Refusal> {
    let message = format!("{text:?} is no possible prefix length");
    let wrong = |_| Refusal::new(message, format!("a number from 1 to {most}"));
    number(text, 1..=most, &[]).map(drop).map_err(wrong)
}

/// Whether this is a dotted netmask: ones, then zeros.
fn is_mask(text: &str) -> bool {
    let mask = text.parse::<Ipv4Addr>().map(u32::from);
    mask.is_ok_and(|bits| bits != 0 && bits.leading_ones() + bits.trailing_zeros() == 32)
}

fn without_label(nic: &str) -> &str {
    nic.split(':').next().unwrap_or_default()
}
