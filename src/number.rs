//! Numbers as the C library reads them: what follows the digits does not count. Pure.

/// As atoi(3) on 64 bits: 0 where there is no digit, and what is too long for a `long` is its largest; of that the
/// lower half.
pub fn atoi(text: &str) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "so does the C library")]
    let value = long(text).unwrap_or(0) as i32;
    value
}

/// Digits in front of anything else, with a sign; `None` where there is no digit. What is too large is the largest.
pub fn decimal(text: &str) -> Option<i32> {
    let value = long(text)?;
    Some(i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX }))
}

/// As strtol(3) in base 10.
fn long(text: &str) -> Option<i64> {
    let (negative, digits) = sign(text.trim_start_matches(SPACE));
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let digits = digits.get(..end).filter(|digits| !digits.is_empty())?;
    let size = digits.parse::<i64>();
    Some(if negative { size.map_or(i64::MIN, i64::wrapping_neg) } else { size.unwrap_or(i64::MAX) })
}

/// Hexadecimal digits, with a sign and `0x` in front if they like; a negative one counts from the top.
pub fn hex(text: &str) -> Option<u32> {
    let (negative, digits) = sign(text.trim_start_matches(SPACE));
    let bare = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let digits = bare.filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit())).unwrap_or(digits);
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    let digits = digits.get(..end).filter(|digits| !digits.is_empty())?;
    let value = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
    Some(if negative { value.wrapping_neg() } else { value })
}

/// What isspace(3) says of.
const SPACE: [char; 6] = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atoi_reads_as_c_does() {
        for (text, wanted) in
            [("500", 500), (" 7x", 7), ("-3", -3), ("+4", 4), ("", 0), ("y", 0), ("--1", 0), ("é", 0)]
        {
            assert_eq!(atoi(text), wanted, "{text:?}");
        }
        assert_eq!(atoi("99999999999999999999"), -1);
        assert_eq!(atoi("-99999999999999999999"), 0);
        assert_eq!(atoi("4294967297"), 1);
    }

    /// As the setsignal, set_sendqlen and setfilter requests of 3.0.6 took them.
    #[test]
    fn what_follows_the_digits_does_not_count() {
        for (text, value) in
            [("10", Some(10)), (" 10x", Some(10)), ("-1", Some(-1)), ("abc", None), ("", None)]
        {
            assert_eq!(decimal(text), value, "{text}");
        }
        for (text, value) in [
            ("1", Some(1)),
            ("3F", Some(0x3f)),
            ("0x3f", Some(0x3f)),
            ("1z", Some(1)),
            ("-1", Some(u32::MAX)),
            ("ffffffff", Some(u32::MAX)),
            ("zz", None),
            ("", None),
            ("0x", Some(0)),
        ] {
            assert_eq!(hex(text), value, "{text}");
        }
        assert_eq!(decimal("99999999999999999999"), Some(i32::MAX));
        assert_eq!(hex("123456789abcdef"), Some(u32::MAX));
    }
}
