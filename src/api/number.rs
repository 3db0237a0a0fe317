//! Numbers as clients write them and 3.0.6 reads them: what follows the digits does not count.

/// Digits in front of anything else, with a sign; `None` where there is no digit.
pub(super) fn decimal(text: &str) -> Option<i32> {
    let (negative, digits) = sign(text.trim_start());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let digits = digits.get(..end).filter(|digits| !digits.is_empty())?;
    let size = digits.parse::<i64>().unwrap_or(i64::from(i32::MAX));
    let value = if negative { -size } else { size };
    Some(i32::try_from(value).unwrap_or(if negative { i32::MIN } else { i32::MAX }))
}

/// As [`decimal`]; 0 where there is no digit.
pub(super) fn or_zero(text: &str) -> i32 {
    decimal(text).unwrap_or(0)
}

/// Hexadecimal digits, with a sign and `0x` in front if they like; a negative one counts from the top.
pub(super) fn hex(text: &str) -> Option<u32> {
    let (negative, digits) = sign(text.trim_start());
    let bare = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let digits = bare.filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit())).unwrap_or(digits);
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    let digits = digits.get(..end).filter(|digits| !digits.is_empty())?;
    let value = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
    Some(if negative { value.wrapping_neg() } else { value })
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
