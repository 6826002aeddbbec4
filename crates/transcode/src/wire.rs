//! The protobuf wire format: tags, varints, length-delimited parts.

/// How a value follows its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// One value as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The bytes are not a message: cut off, an overlong varint, a group, or an unknown wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed protobuf message")]
pub struct Malformed;

/// The fields of a message in wire order.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field's number and value, `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = take_varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        let value = match tag & 7 {
            0 => Value::Varint(take_varint(&mut self.rest)?),
            1 => Value::Fixed64(take_fixed64(&mut self.rest)?),
            2 => Value::Bytes(take_bytes(&mut self.rest)?),
            5 => Value::Fixed32(take_fixed32(&mut self.rest)?),
            _ => return Err(Malformed),
        };
        Ok(Some((number, value)))
    }
}

/// Finds the last value under a path of field numbers, as merging would leave it.
pub(crate) fn find<'a>(message: &'a [u8], path: &[u32]) -> Result<Option<Value<'a>>, Malformed> {
    let Some((&number, rest)) = path.split_first() else { return Ok(None) };
    let mut found = None;
    let mut fields = Fields::of(message);
    while let Some((at, value)) = fields.next()? {
        if at != number {
            continue;
        }
        match (rest, value) {
            ([], value) => found = Some(value),
            (rest, Value::Bytes(inner)) => found = find(inner, rest)?.or(found),
            _ => return Err(Malformed),
        }
    }
    Ok(found)
}

pub(crate) fn take_varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    if let [byte, tail @ ..] = *rest
        && *byte < 0x80
    {
        *rest = tail;
        return Ok(u64::from(*byte));
    }
    let mut value = 0_u64;
    for (at, byte) in rest.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            if at == 9 && *byte > 1 {
                return Err(Malformed);
            }
            *rest = &rest[at + 1..];
            return Ok(value);
        }
    }
    Err(Malformed)
}

pub(crate) fn take_fixed64(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let (bytes, tail) = rest.split_first_chunk::<8>().ok_or(Malformed)?;
    *rest = tail;
    Ok(u64::from_le_bytes(*bytes))
}

pub(crate) fn take_fixed32(rest: &mut &[u8]) -> Result<u32, Malformed> {
    let (bytes, tail) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
    *rest = tail;
    Ok(u32::from_le_bytes(*bytes))
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(take_varint(rest)?).map_err(|_| Malformed)?;
    let (bytes, tail) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = tail;
    Ok(bytes)
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: WireType) {
    put_varint(out, u64::from(number) << 3 | wire_type as u64);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Starts a length-delimited part whose length is not known yet.
pub(crate) fn open(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Ends the part that began at `start`. One byte was kept for the length; a longer one moves the part.
pub(crate) fn close(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start;
    if length < 0x80 {
        out[start - 1] = length as u8;
        return;
    }
    let mut prefix = Vec::with_capacity(5);
    put_varint(&mut prefix, length as u64);
    out.splice(start - 1..start, prefix);
}
