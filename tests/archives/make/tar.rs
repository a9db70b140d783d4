//! tar, byte by byte.

pub const BLOCK: usize = 512;

/// An archive on its way. It begins with an `AppSpec`, so that only what is added can be wrong with it.
#[derive(Clone)]
pub struct Tar(pub Vec<u8>);

/// A ustar header.
pub fn header(name: &[u8], kind: u8, size: u64) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let length = name.len().min(100);
    header[..length].copy_from_slice(&name[..length]);
    put(&mut header, 100, b"0000755\0");
    put(&mut header, 108, b"0000000\0");
    put(&mut header, 116, b"0000000\0");
    put(&mut header, 124, format!("{size:011o}\0").as_bytes());
    put(&mut header, 136, b"14524770400\0");
    header[156] = kind;
    put(&mut header, 257, b"ustar\x0000");
    sign(&mut header);
    header
}

pub fn put(header: &mut [u8], at: usize, bytes: &[u8]) {
    header[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Sets the checksum.
pub fn sign(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    put(header, 148, format!("{sum:06o}\0 ").as_bytes());
}

/// A record of a pax extension, with its length.
pub fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n").into_bytes()
}

impl Tar {
    pub fn empty() -> Self {
        Self(Vec::new())
    }

    pub fn new() -> Self {
        Self::empty().file("appspec.yml", b"version: 0.0\nos: linux\n")
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Data, filled up to whole blocks.
    pub fn data(self, bytes: &[u8]) -> Self {
        let mut this = self.raw(bytes);
        this.0.resize(this.0.len().next_multiple_of(BLOCK), 0);
        this
    }

    pub fn entry(self, name: impl AsRef<[u8]>, kind: u8, data: &[u8]) -> Self {
        self.with(name, kind, data, |_| {})
    }

    /// An entry whose header is changed before it is signed.
    pub fn with(
        self,
        name: impl AsRef<[u8]>,
        kind: u8,
        data: &[u8],
        change: impl FnOnce(&mut [u8]),
    ) -> Self {
        let mut header = header(name.as_ref(), kind, data.len() as u64);
        change(&mut header);
        sign(&mut header);
        self.raw(&header).data(data)
    }

    pub fn file(self, name: impl AsRef<[u8]>, data: &[u8]) -> Self {
        self.entry(name, b'0', data)
    }

    pub fn folder(self, name: impl AsRef<[u8]>) -> Self {
        self.entry(name, b'5', b"")
    }

    pub fn symlink(self, name: impl AsRef<[u8]>, target: &str) -> Self {
        self.with(name, b'2', b"", |header| {
            put(header, 157, target.as_bytes());
        })
    }

    pub fn hard_link(self, name: impl AsRef<[u8]>, target: &str) -> Self {
        self.with(name, b'1', b"", |header| {
            put(header, 157, target.as_bytes());
        })
    }

    /// GNU's long name or long link target.
    pub fn long(self, kind: u8, text: &[u8]) -> Self {
        let text = [text, &[0]].concat();
        self.with("././@LongLink", kind, &text, |header| {
            put(header, 257, b"ustar  \0");
        })
    }

    pub fn pax(self, records: &[(&str, &str)]) -> Self {
        self.extension(b'x', records)
    }

    pub fn extension(self, kind: u8, records: &[(&str, &str)]) -> Self {
        let records: Vec<u8> = records
            .iter()
            .flat_map(|(key, value)| record(key, value))
            .collect();
        self.entry("PaxHeaders/x", kind, &records)
    }

    /// GNU's old way to store holes: offsets and lengths, the real size, and the data.
    pub fn sparse(self, name: &str, map: &[(u64, u64)], size: u64, data: &[u8]) -> Self {
        self.with(name, b'S', data, |header| {
            put(header, 257, b"ustar  \0");
            for (index, (offset, length)) in map.iter().enumerate() {
                put(
                    header,
                    386 + 24 * index,
                    format!("{offset:011o}\0{length:011o}\0").as_bytes(),
                );
            }
            put(header, 483, format!("{size:011o}\0").as_bytes());
        })
    }

    /// With its end mark.
    pub fn end(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).0
    }
}
