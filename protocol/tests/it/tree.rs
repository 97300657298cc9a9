//! CBOR as a tree, to write the same value in ways that the wire does not allow.

/// One item of deterministic CBOR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Major types 0, 1 and 7: the head is all there is.
    Plain(u8, u64),
    /// Major types 2 and 3.
    Bytes(u8, Vec<u8>),
    Array(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// How one item is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Shortest,
    /// The same argument in more bytes than it needs.
    Longer,
    /// A container or string without a length, ended by a break.
    Indefinite,
}

impl Node {
    /// Reads bytes that were checked to be one deterministic item.
    pub fn read(bytes: &[u8]) -> Self {
        let (node, rest) = Self::read_item(bytes);
        assert!(rest.is_empty());
        node
    }

    fn read_item(bytes: &[u8]) -> (Self, &[u8]) {
        let (major, info) = (bytes[0] >> 5, bytes[0] & 0x1f);
        let len = match info {
            0..=23 => 0,
            info => 1 << (info - 24),
        };
        let (argument, mut rest) = bytes[1..].split_at(len);
        let argument = match info {
            0..=23 => u64::from(info),
            _ => argument
                .iter()
                .fold(0, |value, byte| (value << 8) | u64::from(*byte)),
        };
        match major {
            2 | 3 => {
                let (content, rest) = rest.split_at(usize::try_from(argument).unwrap());
                (Self::Bytes(major, content.to_vec()), rest)
            }
            4 => {
                let mut items = Vec::new();
                for _ in 0..argument {
                    let (item, after) = Self::read_item(rest);
                    items.push(item);
                    rest = after;
                }
                (Self::Array(items), rest)
            }
            5 => {
                let mut fields = Vec::new();
                for _ in 0..argument {
                    let (key, after) = Self::read_item(rest);
                    let (value, after) = Self::read_item(after);
                    fields.push((key, value));
                    rest = after;
                }
                (Self::Map(fields), rest)
            }
            major => (Self::Plain(major, argument), rest),
        }
    }

    /// How many items this is, with itself.
    pub fn count(&self) -> usize {
        1 + match self {
            Self::Plain(..) | Self::Bytes(..) => 0,
            Self::Array(items) => items.iter().map(Self::count).sum(),
            Self::Map(fields) => fields
                .iter()
                .map(|(key, value)| key.count() + value.count())
                .sum(),
        }
    }

    /// How many maps are in it.
    pub fn count_maps(&self) -> usize {
        match self {
            Self::Plain(..) | Self::Bytes(..) => 0,
            Self::Array(items) => items.iter().map(Self::count_maps).sum(),
            Self::Map(fields) => {
                let inside = |(key, value): &(Self, Self)| key.count_maps() + value.count_maps();
                1 + fields.iter().map(inside).sum::<usize>()
            }
        }
    }

    /// The fields of one of its maps, counted from the outermost.
    pub fn map(&mut self, number: usize) -> Option<&mut Vec<(Self, Self)>> {
        self.find_map(&mut { number })
    }

    fn find_map(&mut self, skip: &mut usize) -> Option<&mut Vec<(Self, Self)>> {
        match self {
            Self::Plain(..) | Self::Bytes(..) => None,
            Self::Array(items) => items.iter_mut().find_map(|item| item.find_map(skip)),
            Self::Map(fields) => {
                let Some(left) = skip.checked_sub(1) else {
                    return Some(fields);
                };
                *skip = left;
                fields
                    .iter_mut()
                    .find_map(|(_, value)| value.find_map(skip))
            }
        }
    }

    /// Whether `more` is this tree with nothing but further fields in its maps.
    pub fn is_within(&self, more: &Self) -> bool {
        match (self, more) {
            (Self::Array(mine), Self::Array(theirs)) => {
                mine.len() == theirs.len()
                    && mine
                        .iter()
                        .zip(theirs)
                        .all(|(mine, theirs)| mine.is_within(theirs))
            }
            (Self::Map(mine), Self::Map(theirs)) => mine.iter().all(|(key, value)| {
                theirs
                    .iter()
                    .any(|(their_key, theirs)| key == their_key && value.is_within(theirs))
            }),
            (mine, theirs) => mine == theirs,
        }
    }

    /// Writes the tree, every item in its shortest form.
    pub fn write(&self) -> Vec<u8> {
        self.write_with(usize::MAX, Form::Shortest)
    }

    /// Writes the tree with one item, counted from the outermost, in another form.
    pub fn write_with(&self, item: usize, form: Form) -> Vec<u8> {
        let mut writer = Writer {
            bytes: Vec::new(),
            skip: item,
            form,
        };
        writer.item(self);
        writer.bytes
    }
}

struct Writer {
    bytes: Vec<u8>,
    skip: usize,
    form: Form,
}

impl Writer {
    fn item(&mut self, node: &Node) {
        let form = if self.skip == 0 {
            self.form
        } else {
            Form::Shortest
        };
        self.skip = self.skip.wrapping_sub(1);
        let (major, argument) = match node {
            Node::Plain(major, argument) => (*major, *argument),
            Node::Bytes(major, content) => (*major, content.len() as u64),
            Node::Array(items) => (4, items.len() as u64),
            Node::Map(fields) => (5, fields.len() as u64),
        };
        let indefinite = form == Form::Indefinite && (2..=5).contains(&major);
        match form {
            Form::Indefinite if indefinite => self.bytes.push(major << 5 | 31),
            Form::Longer => self.head(major, argument, (shortest(argument) + 1).min(4)),
            Form::Indefinite | Form::Shortest => self.head(major, argument, shortest(argument)),
        }
        match node {
            Node::Plain(..) => {}
            Node::Bytes(_, content) => {
                if indefinite {
                    self.head(major, argument, shortest(argument));
                }
                self.bytes.extend_from_slice(content);
            }
            Node::Array(items) => items.iter().for_each(|item| self.item(item)),
            Node::Map(fields) => {
                for (key, value) in fields {
                    self.item(key);
                    self.item(value);
                }
            }
        }
        if indefinite {
            self.bytes.push(0xff);
        }
    }

    /// Writes a head of size class 0 to 4: the argument in the initial byte, or in 1, 2, 4 or 8 bytes after it.
    fn head(&mut self, major: u8, argument: u64, class: u8) {
        let bytes = argument.to_be_bytes();
        let Some(shift) = class.checked_sub(1) else {
            return self.bytes.push(major << 5 | bytes[7]);
        };
        self.bytes.push(major << 5 | (23 + class));
        self.bytes.extend_from_slice(&bytes[8 - (1 << shift)..]);
    }
}

fn shortest(argument: u64) -> u8 {
    match argument {
        0..=23 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 3,
        _ => 4,
    }
}
