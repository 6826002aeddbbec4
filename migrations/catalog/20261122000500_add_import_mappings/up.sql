-- How the columns of spreadsheets are read.

CREATE TABLE import_mappings (
    import_mapping_id uuid PRIMARY KEY,
    name              text NOT NULL CHECK (name <> ''),
    delimiter         text NOT NULL CHECK (length(delimiter) = 1),
    encoding          text NOT NULL CHECK (encoding IN ('utf_8', 'windows_1251')),
    decimal_comma     boolean NOT NULL,
    mapped_columns    jsonb NOT NULL,
    constants         jsonb NOT NULL,
    archived          boolean NOT NULL,
    version           bigint NOT NULL,
    create_time       timestamptz NOT NULL,
    update_time       timestamptz NOT NULL
);
