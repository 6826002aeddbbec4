-- What carriers weighed. A table of its own, since most parcels are never put on scales, or nobody says so.

CREATE TABLE shipment_weights (
    shipment_id   uuid PRIMARY KEY REFERENCES shipments,
    weighed_grams integer NOT NULL CHECK (weighed_grams > 0),
    -- When what the carrier says was so: an older report changes nothing. Null when it does not say when.
    weighed_time  timestamptz
);
