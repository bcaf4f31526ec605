//! Protocol buffers' wire format: a sequence of numbered fields.

use super::decode::Fault;

/// One field as it stands in the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct WireField<'a> {
    pub(super) number: u32,
    value: WireValue<'a>,
}

#[derive(Clone, Copy, Debug)]
enum WireValue<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> WireField<'a> {
    /// A length-delimited field: a message, a string, bytes.
    pub(super) fn bytes(&self) -> Result<&'a [u8], Fault> {
        match self.value {
            WireValue::Bytes(bytes) => Ok(bytes),
            _ => Err(Fault::WrongType(self.number)),
        }
    }

    /// A string.
    pub(super) fn text(&self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Fault::NotText(self.number))
    }

    /// A whole number or boolean. Negative numbers are written as 64 bits.
    pub(super) fn integer(&self) -> Result<i64, Fault> {
        match self.value {
            WireValue::Varint(value) => Ok(value.cast_signed()),
            _ => Err(Fault::WrongType(self.number)),
        }
    }

    /// A `double` or `float`.
    pub(super) fn float(&self) -> Result<f64, Fault> {
        match self.value {
            WireValue::Fixed64(bits) => Ok(f64::from_bits(bits)),
            WireValue::Fixed32(bits) => Ok(f64::from(f32::from_bits(bits))),
            _ => Err(Fault::WrongType(self.number)),
        }
    }
}

/// The fields of one message, in their order. Ends after the first fault.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(Fault::Truncated)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Truncated)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<WireField<'a>, Fault> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| Fault::Truncated)?;
        let value = match key & 7 {
            0 => WireValue::Varint(self.varint()?),
            1 => WireValue::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Fault::Truncated)?;
                WireValue::Bytes(self.take(length)?)
            }
            5 => WireValue::Fixed32(u32::from_le_bytes(self.array()?)),
            // Groups are not used by Kubernetes.
            _ => return Err(Fault::WrongType(number)),
        };
        Ok(WireField { number, value })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| Fault::Truncated)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<WireField<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Whole numbers that stand one behind the other without keys (`packed`).
pub(super) fn packed(bytes: &[u8]) -> Result<Vec<i64>, Fault> {
    let mut reader = Reader::new(bytes);
    let mut all = Vec::new();
    while !reader.rest.is_empty() {
        all.push(reader.varint()?.cast_signed());
    }
    Ok(all)
}
