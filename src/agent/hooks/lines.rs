//! Reading a script's output in blocks of whole lines, without the secrets that the script was given.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::model::secret::mask::Mask;

/// A longer line is cut into several.
const LONGEST: usize = 8 * 1024;

/// So much is read at a time. What a script writes beyond that waits in its pipe.
const CHUNK: usize = 64 * 1024;

/// Cuts a stream into blocks of lines. Nothing is lost when a read is given up halfway, and never more is held than a
/// chunk and a line.
#[derive(Debug)]
pub struct Blocks<R> {
    reader: R,
    buffer: Vec<u8>,
    ended: bool,
    mask: Mask,
}

impl<R: AsyncRead + Unpin> Blocks<R> {
    /// Reads from a stream; what the mask finds is masked in whole lines and across the cuts of long ones.
    pub fn new(reader: R, mask: Mask) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            ended: false,
            mask,
        }
    }

    /// The next block, or nothing at the stream's end. A last line may lack its end.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(block) = self.take() {
                return Ok(Some(block));
            }
            if self.ended {
                let rest = std::mem::take(&mut self.buffer);
                return Ok((!rest.is_empty()).then(|| self.masked(rest)));
            }
            self.buffer.reserve(CHUNK);
            let mut piece = (&mut self.reader).take(CHUNK as u64);
            self.ended = piece.read_buf(&mut self.buffer).await? == 0;
        }
    }

    /// What has come up to the last end of a line, or a piece of a line that is too long.
    fn take(&mut self) -> Option<Vec<u8>> {
        if let Some(at) = self.buffer.iter().rposition(|byte| *byte == b'\n') {
            let rest = self.buffer.split_off(at + 1);
            let block = std::mem::replace(&mut self.buffer, rest);
            return Some(self.masked(block));
        }
        // What is found has to be whole before it is cut.
        let enough = LONGEST + self.mask.longest();
        if self.buffer.len() < enough {
            return None;
        }
        if let Some(masked) = self.mask.bytes(&self.buffer) {
            self.buffer = masked;
            if self.buffer.len() < enough {
                return None;
            }
        }
        let rest = self.buffer.split_off(cut(&self.buffer));
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    fn masked(&self, block: Vec<u8>) -> Vec<u8> {
        self.mask.bytes(&block).unwrap_or(block)
    }
}

/// The lines of a block without their ends, the too long ones in pieces.
pub fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = block.split_inclusive(|byte| *byte == b'\n');
    whole.flat_map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut rest = Some(line);
        std::iter::from_fn(move || {
            let line = rest?;
            if line.len() <= LONGEST {
                return rest.take();
            }
            let (piece, behind) = line.split_at(cut(line));
            rest = Some(behind);
            Some(piece)
        })
    })
}

/// Where a line that is too long is cut: the next piece begins with a whole character, so that none is shown as two
/// broken ones.
fn cut(line: &[u8]) -> usize {
    let is_continuation = |at: &usize| line[*at] & 0b1100_0000 == 0b1000_0000;
    let end = (LONGEST - 3..LONGEST).rev().find(|at| !is_continuation(at));
    end.unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::model::secret::Secret;

    async fn all(bytes: &[u8]) -> Vec<Vec<u8>> {
        masked(bytes, Mask::default()).await
    }

    async fn masked(bytes: &[u8], mask: Mask) -> Vec<Vec<u8>> {
        let mut blocks = Blocks::new(bytes, mask);
        let mut all = Vec::new();
        while let Some(block) = blocks.next().await.unwrap() {
            assert!(block.len() <= CHUNK + LONGEST);
            all.extend(lines(&block).map(<[u8]>::to_vec));
        }
        all
    }

    #[tokio::test]
    async fn output_is_cut_into_lines() {
        assert_eq!(
            all(b"a\n\nb\r\nrest").await,
            [&b"a"[..], b"", b"b", b"rest"]
        );
        assert!(all(b"").await.is_empty());
        let long = all("é".repeat(10_000).as_bytes()).await;
        assert!(long.len() > 2 && long.iter().all(|line| line.len() <= LONGEST));
        assert!(long.iter().all(|line| std::str::from_utf8(line).is_ok()));
        assert_eq!(long.concat(), "é".repeat(10_000).as_bytes());
    }

    #[tokio::test]
    async fn much_output_comes_in_bounded_blocks() {
        let many = b"y\n".repeat(200_000);
        assert_eq!(all(&many).await.len(), 200_000);
        let endless = vec![0xff; 1_000_000];
        assert_eq!(all(&endless).await.concat(), endless);
        let mut mixed = vec![b'x'; 100_000];
        mixed.extend(b"\nlast");
        let lines = all(&mixed).await;
        assert_eq!(lines.last().unwrap(), b"last");
        assert_eq!(lines.concat().len(), 100_004);
    }

    #[tokio::test]
    async fn secrets_are_masked_also_where_lines_are_cut() {
        let secret = |value: &str| Secret::new("S", Zeroizing::new(value.to_owned()));
        let value = "0123456789abcdef".repeat(8);
        let mask = || Mask::new([&secret(&value)]);
        for at in (0..2 * LONGEST).step_by(61) {
            let text = format!("{}{value}{}", "x".repeat(at), "y".repeat(LONGEST));
            let read = masked(text.as_bytes(), mask()).await;
            assert!(read.iter().all(|line| line.len() <= LONGEST));
            let wanted = format!("{}[secret S]{}", "x".repeat(at), "y".repeat(LONGEST));
            assert_eq!(String::from_utf8(read.concat()).unwrap(), wanted, "{at}");
        }
        let lines = masked(format!("a\n{value}\nb{value}").as_bytes(), mask()).await;
        assert_eq!(lines, [&b"a"[..], b"[secret S]", b"b[secret S]"]);
        let endless = value.repeat(10_000);
        let read = masked(endless.as_bytes(), mask()).await.concat();
        assert_eq!(read, "[secret S]".repeat(10_000).as_bytes());
    }
}
