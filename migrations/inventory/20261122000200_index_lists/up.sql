-- What is open or rare is found without reading what is done or common.
CREATE INDEX shortages_state ON shortages (state, due_time, shortage_id);
CREATE INDEX stock_documents_kind ON stock_documents (kind, number);
