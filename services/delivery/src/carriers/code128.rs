//! Code 128, set B: bars that every scanner reads, for numbers of waybills.

/// The widths of bars and gaps by value; 104 begins set B.
const WIDTHS: [&str; 106] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
    "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
    "221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
    "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
    "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
    "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
    "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
    "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
    "114131", "311141", "411131", "211412", "211214", "211232",
];
const STOP: &str = "2331112";
const START_B: usize = 104;

/// The widths of bars and gaps in turn, in modules; `None` for text that set B cannot say.
pub fn bars(text: &str) -> Option<Vec<u8>> {
    let values = text.bytes().map(|byte| byte.checked_sub(b' ').filter(|value| *value < 95).map(usize::from));
    let values: Vec<usize> = values.collect::<Option<_>>()?;
    let weighted: usize = values.iter().enumerate().map(|(at, value)| (at + 1) * value).sum();
    let check = (START_B + weighted) % 103;
    let signs = [START_B].into_iter().chain(values).chain([check]);
    let widths = signs.map(|value| WIDTHS[value]).chain([STOP]);
    Some(widths.flat_map(|widths| widths.bytes().map(|digit| digit - b'0')).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_sign_is_eleven_modules_wide_and_unlike_the_others() {
        let width = |sign: &str| sign.bytes().map(|digit| u32::from(digit - b'0')).sum::<u32>();
        assert!(WIDTHS.iter().all(|sign| width(sign) == 11));
        assert_eq!(WIDTHS.iter().collect::<HashSet<_>>().len(), WIDTHS.len());
    }

    #[test]
    fn the_standard_example_has_its_check_sign() {
        // "PJJ123C" in set B: the textbook's check value is 55 there, with this start.
        let bars = bars("PJJ123C").expect("can be said");
        let width: u32 = bars.iter().map(|width| u32::from(*width)).sum();
        assert_eq!(width, 11 * 9 + 13);
        let check: String = bars[8 * 6..9 * 6].iter().map(|width| char::from(b'0' + width)).collect();
        let weighted: usize =
            "PJJ123C".bytes().enumerate().map(|(at, byte)| (at + 1) * usize::from(byte - b' ')).sum();
        assert_eq!(check, WIDTHS[(104 + weighted) % 103]);
    }

    #[test]
    fn what_is_not_ascii_has_no_bars() {
        assert_eq!(bars("Київ"), None);
    }
}
