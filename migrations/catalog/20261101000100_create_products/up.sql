-- Categories, products and their variants.
--
-- SKUs, barcodes and external ids are compared byte by byte, as the code compares them: hence COLLATE "C".

CREATE TABLE categories (
    category_id uuid PRIMARY KEY,
    parent_id   uuid REFERENCES categories CHECK (parent_id <> category_id),
    name        text NOT NULL CHECK (name <> ''),
    version     bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);
CREATE INDEX categories_parent ON categories (parent_id, category_id);

CREATE TABLE category_external_ids (
    source_id   uuid NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    category_id uuid NOT NULL REFERENCES categories,
    PRIMARY KEY (source_id, external_id)
);
CREATE INDEX category_external_ids_category ON category_external_ids (category_id);

-- `search_words` are the lower-case words of the product's and its variants' names, cut by the code: the index needs
-- neither an extension nor a locale.
CREATE TABLE products (
    product_id   uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('goods', 'service')),
    name         text NOT NULL CHECK (name <> ''),
    description  text NOT NULL,
    vendor       text NOT NULL,
    archived     boolean NOT NULL,
    search_words text[] NOT NULL,
    version      bigint NOT NULL,
    create_time  timestamptz NOT NULL,
    update_time  timestamptz NOT NULL
);
CREATE INDEX products_newest ON products (create_time, product_id);
CREATE INDEX products_words ON products USING gin (search_words) WITH (fastupdate = off);

CREATE TABLE product_external_ids (
    source_id   uuid NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    product_id  uuid NOT NULL REFERENCES products,
    PRIMARY KEY (source_id, external_id)
);
CREATE INDEX product_external_ids_product ON product_external_ids (product_id);

CREATE TABLE product_categories (
    product_id  uuid NOT NULL REFERENCES products,
    category_id uuid NOT NULL REFERENCES categories,
    PRIMARY KEY (product_id, category_id)
);
CREATE INDEX product_categories_category ON product_categories (category_id, product_id);

-- The SKU is what prices, stock and orders know a variant by: it never changes.
CREATE TABLE variants (
    variant_id      uuid PRIMARY KEY,
    product_id      uuid NOT NULL REFERENCES products,
    sku             text COLLATE "C" NOT NULL UNIQUE CHECK (sku <> ''),
    position        integer NOT NULL,
    name            text NOT NULL,
    unit_code       text NOT NULL,
    price_quantity  integer NOT NULL CHECK (price_quantity > 0),
    weight_grams    integer NOT NULL CHECK (weight_grams >= 0),
    picture_urls    jsonb NOT NULL,
    characteristics jsonb NOT NULL,
    tax_category    text NOT NULL,
    page_url        text NOT NULL,
    archived        boolean NOT NULL
);
CREATE INDEX variants_product ON variants (product_id, position);

CREATE TABLE variant_barcodes (
    barcode    text COLLATE "C" PRIMARY KEY,
    variant_id uuid NOT NULL REFERENCES variants,
    position   integer NOT NULL
);
CREATE INDEX variant_barcodes_variant ON variant_barcodes (variant_id);

CREATE TABLE variant_external_ids (
    source_id   uuid NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    variant_id  uuid NOT NULL REFERENCES variants,
    PRIMARY KEY (source_id, external_id)
);
CREATE INDEX variant_external_ids_variant ON variant_external_ids (variant_id);
