-- Whether something that cannot be undone was done for an edit, or may have been: from then on it goes forward only.
ALTER TABLE order_edits ADD COLUMN decided boolean NOT NULL DEFAULT false;
