//! The container's bytes: encoding, and decoding with every bound.

use minicbor::{
    Decode, Decoder, Encode, Encoder,
    data::Type,
    decode::Error as DecodeFault,
    encode::{Error as EncodeFault, Write},
};
use protocol::Opaque;

use super::{Body, Container, Disposition, Expires, External, Part, Semantics};

/// How deep parts may nest, the outermost included; and how deep extensions may, their map included.
const MAX_DEPTH: usize = 4;

/// The most parts of a multipart.
const MAX_PARTS: u64 = 32;

/// The longest content type, language, topic and name of an extension, in bytes.
const MAX_LABEL: usize = 255;

/// The longest URL, description and file name, in bytes.
const MAX_LINE: usize = 2048;

impl<C> Encode<C> for Container {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), EncodeFault<W::Error>> {
        encoder.array(7)?.bytes(&self.salt)?;
        self.replaces.encode(encoder, context)?;
        self.topic.encode(encoder, context)?;
        match self.expires {
            None => encoder.null()?,
            Some(Expires::AfterReading(seconds)) => encoder.array(2)?.bool(true)?.u32(seconds)?,
            Some(Expires::At(time)) => encoder.array(2)?.bool(false)?.u32(time)?,
        };
        self.in_reply_to.encode(encoder, context)?;
        encoder
            .writer_mut()
            .write_all(self.extensions.as_ref())
            .map_err(EncodeFault::write)?;
        self.part.encode(encoder, context)
    }
}

impl<'b, C> Decode<'b, C> for Container {
    fn decode(decoder: &mut Decoder<'b>, context: &mut C) -> Result<Self, DecodeFault> {
        array(decoder, 7)?;
        let salt = decoder
            .bytes()?
            .try_into()
            .map_err(|_| DecodeFault::message("salt"))?;
        let replaces = Option::decode(decoder, context)?;
        let topic = Opaque::decode(decoder, context)?;
        bounded(topic.len(), MAX_LABEL)?;
        let expires = expires(decoder)?;
        let in_reply_to = Option::decode(decoder, context)?;
        let extensions = extensions(decoder)?;
        let part = part(decoder, MAX_DEPTH)?;
        Ok(Self {
            salt,
            replaces,
            topic,
            expires,
            in_reply_to,
            extensions,
            part,
        })
    }
}

impl<C> Encode<C> for Part {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), EncodeFault<W::Error>> {
        let (fields, cardinality) = match &self.body {
            Body::Nothing => (3, 0),
            Body::Single { .. } => (5, 1),
            Body::External(_) => (15, 2),
            Body::Multi { .. } => (5, 3),
        };
        encoder
            .array(fields)?
            .u8(self.disposition.0)?
            .str(&self.language)?
            .u8(cardinality)?;
        match &self.body {
            Body::Nothing => Ok(()),
            Body::Single {
                content_type,
                content,
            } => encoder.str(content_type)?.bytes(content)?.ok(),
            Body::External(external) => external.encode(encoder, context),
            Body::Multi { semantics, parts } => {
                encoder.u8(match semantics {
                    Semantics::ChooseOne => 0,
                    Semantics::SingleUnit => 1,
                    Semantics::ProcessAll => 2,
                })?;
                parts.encode(encoder, context)
            }
        }
    }
}

impl<C> Encode<C> for External {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeFault<W::Error>> {
        encoder
            .str(&self.content_type)?
            .str(&self.url)?
            .u32(self.expires)?
            .u64(self.size)?
            .u16(self.algorithm)?;
        encoder
            .bytes(self.key.as_ref())?
            .bytes(self.nonce.as_ref())?
            .bytes(self.aad.as_ref())?;
        encoder.u8(self.hash_algorithm)?.bytes(self.hash.as_ref())?;
        encoder.str(&self.description)?.str(&self.filename)?.ok()
    }
}

fn part(decoder: &mut Decoder<'_>, depth: usize) -> Result<Part, DecodeFault> {
    let deeper = depth
        .checked_sub(1)
        .ok_or_else(|| DecodeFault::message("parts nested too deep"))?;
    let fields = decoder.array()?;
    let disposition = Disposition(decoder.u8()?);
    let language = text(decoder, MAX_LABEL)?;
    let (expected, body) = match decoder.u8()? {
        0 => (3, Body::Nothing),
        1 => (
            5,
            Body::Single {
                content_type: text(decoder, MAX_LABEL)?,
                content: decoder.bytes()?.to_vec(),
            },
        ),
        2 => (15, Body::External(Box::new(external(decoder)?))),
        3 => (5, multi(decoder, deeper)?),
        _ => return Err(DecodeFault::message("cardinality")),
    };
    if fields != Some(expected) {
        return Err(DecodeFault::message("fields of a part"));
    }
    Ok(Part {
        disposition,
        language,
        body,
    })
}

fn multi(decoder: &mut Decoder<'_>, depth: usize) -> Result<Body, DecodeFault> {
    let semantics = match decoder.u8()? {
        0 => Semantics::ChooseOne,
        1 => Semantics::SingleUnit,
        2 => Semantics::ProcessAll,
        _ => return Err(DecodeFault::message("semantics")),
    };
    let count = decoder
        .array()?
        .filter(|count| (2..=MAX_PARTS).contains(count));
    let count = count.ok_or_else(|| DecodeFault::message("number of parts"))?;
    let parts = (0..count)
        .map(|_| part(decoder, depth))
        .collect::<Result<_, _>>()?;
    Ok(Body::Multi { semantics, parts })
}

fn external(decoder: &mut Decoder<'_>) -> Result<External, DecodeFault> {
    let opaque = |decoder: &mut Decoder<'_>| {
        let bytes = decoder.bytes()?;
        bounded(bytes.len(), MAX_LABEL)?;
        Ok::<_, DecodeFault>(Opaque::from(bytes.to_vec()))
    };
    Ok(External {
        content_type: text(decoder, MAX_LABEL)?,
        url: text(decoder, MAX_LINE)?,
        expires: decoder.u32()?,
        size: decoder.u64()?,
        algorithm: decoder.u16()?,
        key: opaque(decoder)?,
        nonce: opaque(decoder)?,
        aad: opaque(decoder)?,
        hash_algorithm: decoder.u8()?,
        hash: opaque(decoder)?,
        description: text(decoder, MAX_LINE)?,
        filename: text(decoder, MAX_LINE)?,
    })
}

fn expires(decoder: &mut Decoder<'_>) -> Result<Option<Expires>, DecodeFault> {
    if decoder.datatype()? == Type::Null {
        decoder.null()?;
        return Ok(None);
    }
    array(decoder, 2)?;
    let relative = decoder.bool()?;
    let time = decoder.u32()?;
    Ok(Some(if relative {
        Expires::AfterReading(time)
    } else {
        Expires::At(time)
    }))
}

/// Takes the map of extensions as it is, once its names and depth hold.
fn extensions(decoder: &mut Decoder<'_>) -> Result<Opaque, DecodeFault> {
    let start = decoder.position();
    if decoder.datatype()? != Type::Map {
        return Err(DecodeFault::type_mismatch(Type::Map));
    }
    value(decoder, MAX_DEPTH, Names::OfExtensions)?;
    let map = decoder
        .input()
        .get(start..decoder.position())
        .unwrap_or_default();
    Ok(Opaque::from(map.to_vec()))
}

/// What the keys of a map may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    OfExtensions,
    Within,
}

/// Walks over a value of an extension. That it is deterministic was checked before, so there are no tags and no floats.
fn value(decoder: &mut Decoder<'_>, depth: usize, names: Names) -> Result<(), DecodeFault> {
    let deeper = || {
        depth
            .checked_sub(1)
            .ok_or_else(|| DecodeFault::message("extensions nested too deep"))
    };
    match decoder.datatype()? {
        Type::Array => {
            let deeper = deeper()?;
            for _ in 0..decoder.array()?.unwrap_or_default() {
                value(decoder, deeper, Names::Within)?;
            }
            Ok(())
        }
        Type::Map => {
            let deeper = deeper()?;
            for _ in 0..decoder.map()?.unwrap_or_default() {
                name(decoder, names)?;
                value(decoder, deeper, Names::Within)?;
            }
            Ok(())
        }
        _ => decoder.skip(),
    }
}

fn name(decoder: &mut Decoder<'_>, names: Names) -> Result<(), DecodeFault> {
    match decoder.datatype()? {
        Type::String => match decoder.str()?.len() {
            1..=MAX_LABEL => Ok(()),
            _ => Err(DecodeFault::message("name of an extension")),
        },
        Type::Bytes if names == Names::Within => decoder.bytes().map(drop),
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64 => decoder.skip(),
        _ => Err(DecodeFault::message("name of an extension")),
    }
}

fn array(decoder: &mut Decoder<'_>, fields: u64) -> Result<(), DecodeFault> {
    if decoder.array()? == Some(fields) {
        Ok(())
    } else {
        Err(DecodeFault::message("fields of an array"))
    }
}

fn text(decoder: &mut Decoder<'_>, limit: usize) -> Result<String, DecodeFault> {
    let text = decoder.str()?;
    bounded(text.len(), limit)?;
    Ok(text.to_owned())
}

fn bounded(len: usize, limit: usize) -> Result<(), DecodeFault> {
    if len <= limit {
        Ok(())
    } else {
        Err(DecodeFault::message("too long"))
    }
}
