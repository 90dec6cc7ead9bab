//! Bytes for a reader's eyes.

use std::fmt;

/// Shows name bytes on one line: printable UTF-8 as it is, everything else as `\n`, `\t`, `\\` or `\xNN`.
///
/// Injective: different bytes print differently.
pub fn escaped(bytes: &[u8]) -> impl fmt::Display + '_ {
    Escaped(bytes)
}

struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    c if c.is_control() || is_direction_mark(c) => {
                        let mut buffer = [0; 4];
                        c.encode_utf8(&mut buffer).bytes().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
                    }
                    c => f.write_char(c)?,
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

/// Marks that reorder the text around them, with which a name could lie about its ending.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(escaped(b"a\nb\x1b[31m\\\xff").to_string(), r"a\nb\x1b[31m\\\xff");
        assert_eq!(escaped("gpj.\u{202e}exe".as_bytes()).to_string(), r"gpj.\xe2\x80\xaeexe");
        assert_eq!(escaped("Sommer – Österreich 😀".as_bytes()).to_string(), "Sommer – Österreich 😀");
    }

    proptest::proptest! {
        #[test]
        fn different_bytes_print_differently(a: Vec<u8>, b: Vec<u8>) {
            proptest::prop_assert_eq!(a == b, escaped(&a).to_string() == escaped(&b).to_string());
        }
    }
}
