//! How messages become bytes: as prost writes them, into buffers of their size.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec as TonicCodec};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// What a call has for a message until it knows the message. tonic's 8 KiB, four times a call, are more than an allocator
/// keeps at hand; almost all messages are smaller than this, and a larger one gets what it needs.
const BUFFER_SIZE: usize = 1024;
/// A stream hands on what it has when it is as long, as tonic has it.
const YIELD_THRESHOLD: usize = 32 * 1024;

/// Small ones, for messages that almost all are small.
pub fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER_SIZE, YIELD_THRESHOLD)
}

/// The codec of all generated clients and servers.
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> TonicCodec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        ProstCodec::<T, U>::raw_encoder(buffers())
    }

    fn decoder(&mut self) -> ProstDecoder<U> {
        ProstCodec::<T, U>::raw_decoder(buffers())
    }
}
