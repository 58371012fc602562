//! Chinese numerals and English number words.

/// Whether the character is a Chinese numeral.
pub fn is_numeral(c: char) -> bool {
    numeral(c).is_some()
}

/// The value of Chinese numerals, positional (三百二十) or digit by digit (二〇二六). `None` if it exceeds 64 bits.
pub fn value(numerals: &str) -> Option<u64> {
    let values = || numerals.chars().filter_map(numeral);
    if values().all(|value| value < 10) {
        return values().try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(digit));
    }
    let (mut total, mut section, mut digit) = (0_u64, 0_u64, 0_u64);
    for value in values() {
        match value {
            0..10 => digit = value,
            10..10_000 => {
                section = section.checked_add(digit.max(1).checked_mul(value)?)?;
                digit = 0;
            }
            10_000 => {
                total = total.checked_add(section.checked_add(digit)?.max(1).checked_mul(value)?)?;
                (section, digit) = (0, 0);
            }
            _ => {
                total = total.checked_add(section)?.checked_add(digit)?.max(1).checked_mul(value)?;
                (section, digit) = (0, 0);
            }
        }
    }
    total.checked_add(section)?.checked_add(digit)
}

fn numeral(c: char) -> Option<u64> {
    const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    match c {
        '〇' => Some(0),
        '两' => Some(2),
        '十' => Some(10),
        '百' => Some(100),
        '千' => Some(1000),
        '万' => Some(10_000),
        '亿' => Some(100_000_000),
        _ => (0..).zip(DIGITS).find(|(_, digit)| *digit == c).map(|(value, _)| value),
    }
}

/// The value of one English number word.
pub fn english(word: &str) -> Option<u64> {
    const SMALL: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
                         sixteen seventeen eighteen nineteen";
    const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety hundred";
    let place = |words: &'static str| (0..).zip(words.split(' ')).find(|(_, one)| *one == word).map(|(place, _)| place);
    place(SMALL).or_else(|| place(TENS).map(|place: u64| (place + 2) * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_have_their_values() {
        for (numerals, expected) in [
            ("七", 7),
            ("十", 10),
            ("十五", 15),
            ("三百零五", 305),
            ("二〇二六", 2026),
            ("一万二千", 12_000),
            ("三亿零五万", 300_050_000),
        ] {
            assert_eq!(value(numerals), Some(expected), "{numerals}");
        }
        assert_eq!(value(&"九".repeat(30)), None);
    }
}
