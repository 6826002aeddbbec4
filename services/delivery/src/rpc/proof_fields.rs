//! Reads what proves that a parcel was handed over.

use std::fmt;

use proto::delivery::v1 as pb;
use rpc::Fields;
use types::ShipmentId;

const NAME_LENGTH_MAX: usize = 200;
const CODE_WORD_LENGTH_MAX: usize = 100;
const PICTURE_BYTES_MAX: usize = 512 * 1024;
/// What a picture may be, and how its bytes begin.
const PICTURES: [(&str, &[u8]); 2] = [("image/png", b"\x89PNG\r\n\x1a\n"), ("image/jpeg", b"\xff\xd8\xff")];

/// What proves that a parcel was handed over. Personal: never printed, kept sealed.
#[derive(Clone, PartialEq)]
pub struct Proof(pub pb::DeliveryProof);

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

/// Sealed proofs that are moved to another parcel do not open.
pub fn proof_context(id: ShipmentId) -> String {
    format!("delivery proof of {id}")
}

/// A proof; its time is that of the event.
pub fn proof(fields: &mut Fields, proof: Option<&pb::DeliveryProof>, status: i32) -> Option<Proof> {
    let proof = proof?;
    let delivered = status == pb::TrackingStatus::Delivered as i32;
    fields.check(delivered, "proof", "NOT_ALLOWED", "only of a parcel that is delivered");
    let unasked = proof.deliver_time.is_none();
    fields.check(unasked, "proof.deliver_time", "NOT_ALLOWED", "it is that of the event");
    let recipient_name = fields.text("proof.recipient_name", &proof.recipient_name, NAME_LENGTH_MAX);
    let code_word = fields.text("proof.code_word", &proof.code_word, CODE_WORD_LENGTH_MAX);
    let something =
        !recipient_name.trim().is_empty() || !code_word.trim().is_empty() || !proof.picture.is_empty();
    fields.check(something, "proof", "REQUIRED", "name who took it, a code word or a picture");
    picture(fields, proof);
    Some(Proof(pb::DeliveryProof {
        recipient_name,
        code_word,
        picture: proof.picture.clone(),
        media_type: proof.media_type.clone(),
        deliver_time: None,
    }))
}

fn picture(fields: &mut Fields, proof: &pb::DeliveryProof) {
    let (picture, media_type) = (&proof.picture, proof.media_type.as_str());
    let fits = picture.len() <= PICTURE_BYTES_MAX;
    fields.check(fits, "proof.picture", "TOO_LONG", "at most 512 KiB");
    if picture.is_empty() {
        fields.check(media_type.is_empty(), "proof.media_type", "NOT_ALLOWED", "only with a picture");
        return;
    }
    let known = PICTURES.iter().find(|(name, _)| *name == media_type);
    fields.check(known.is_some(), "proof.media_type", "UNKNOWN_VALUE", "image/png or image/jpeg");
    let genuine = known.is_none_or(|(_, begin)| picture.starts_with(begin));
    fields.check(genuine, "proof.picture", "MALFORMED", "is not a picture of this media type");
}
