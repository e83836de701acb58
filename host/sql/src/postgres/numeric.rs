//! Exact numbers: digits in base 10,000, as text in base 10.

/// What PostgreSQL would print.
pub(super) fn show(bytes: &[u8]) -> Option<String> {
    let mut numbers = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight) = (numbers.next()?, numbers.next()?.cast_signed());
    let (sign, scale) = (numbers.next()?, usize::from(numbers.next()?));
    let digits: Vec<u16> = numbers.collect();
    match sign {
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ if digits.len() != usize::from(count) || digits.iter().any(|digit| *digit > 9_999) => return None,
        _ => {}
    }
    // The digit of 10,000^power; those beyond what was sent are zeros.
    let digit = |power: i32| {
        let index = usize::try_from(i32::from(weight) - power).ok();
        index.and_then(|index| digits.get(index)).copied().unwrap_or_default()
    };
    let mut text = String::from(if sign == 0x4000 { "-" } else { "" });
    let highest = i32::from(weight).max(0);
    text.push_str(&digit(highest).to_string());
    for power in (0..highest).rev() {
        text.push_str(&format!("{:04}", digit(power)));
    }
    if scale > 0 {
        let groups = i32::try_from(scale.div_ceil(4)).ok()?;
        let fraction: String = (1..=groups).map(|power| format!("{:04}", digit(-power))).collect();
        text.push('.');
        text.push_str(&fraction[..scale]);
    }
    Some(text)
}
