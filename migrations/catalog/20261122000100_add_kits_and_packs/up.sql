-- Kits and what they consist of; barcodes of packs.

ALTER TABLE products DROP CONSTRAINT products_kind_check;
ALTER TABLE products ADD CONSTRAINT products_kind_check CHECK (kind IN ('goods', 'service', 'kit'));
ALTER TABLE products ADD COLUMN recommended boolean NOT NULL DEFAULT false;

-- A component is named by its SKU, which never changes. The code sees to it that it is goods, and stays goods.
CREATE TABLE kit_components (
    kit_variant_id uuid NOT NULL REFERENCES variants,
    sku            text COLLATE "C" NOT NULL REFERENCES variants (sku),
    quantity       integer NOT NULL CHECK (quantity > 0),
    position       integer NOT NULL,
    PRIMARY KEY (kit_variant_id, sku)
);
CREATE INDEX kit_components_sku ON kit_components (sku);

ALTER TABLE variant_barcodes ADD COLUMN pack_quantity integer NOT NULL DEFAULT 1 CHECK (pack_quantity > 0);
