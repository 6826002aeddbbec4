-- Brands, definitions of characteristics, and the values that lists are narrowed by.

CREATE TABLE brands (
    brand_id    uuid PRIMARY KEY,
    name        text NOT NULL CHECK (name <> ''),
    archived    boolean NOT NULL,
    version     bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);

-- Names and aliases as they are compared: folded by the code, so that each spelling leads to one brand.
CREATE TABLE brand_names (
    folded   text COLLATE "C" PRIMARY KEY CHECK (folded <> ''),
    brand_id uuid NOT NULL REFERENCES brands,
    name     text NOT NULL,
    -- 0 for the name, then the aliases.
    position integer NOT NULL
);
CREATE INDEX brand_names_brand ON brand_names (brand_id, position);

ALTER TABLE products ADD COLUMN brand_id uuid REFERENCES brands;
CREATE INDEX products_brand ON products (brand_id) WHERE brand_id IS NOT NULL;

CREATE TABLE characteristics (
    code         text COLLATE "C" PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    names        jsonb NOT NULL,
    type         text NOT NULL CHECK (type IN ('number', 'string', 'boolean', 'choice')),
    unit         text NOT NULL,
    choices      jsonb NOT NULL,
    filterable   boolean NOT NULL,
    variant_axis boolean NOT NULL,
    archived     boolean NOT NULL,
    version      bigint NOT NULL,
    create_time  timestamptz NOT NULL,
    update_time  timestamptz NOT NULL
);

-- Values of defined characteristics, as the code has read them; what the variant says stays in `characteristics`.
-- Numbers are in millionths: decimals with six digits are exact and compare in an index.
CREATE TABLE variant_values (
    variant_id uuid NOT NULL REFERENCES variants,
    code       text COLLATE "C" NOT NULL REFERENCES characteristics,
    value      text COLLATE "C" NOT NULL,
    millionths bigint,
    PRIMARY KEY (variant_id, code)
);
CREATE INDEX variant_values_number ON variant_values (code, millionths) WHERE millionths IS NOT NULL;
CREATE INDEX variant_values_value ON variant_values (code, value);
