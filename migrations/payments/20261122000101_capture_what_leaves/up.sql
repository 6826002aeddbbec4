-- Goods of the order have left: what is reserved on a card is captured, whatever the account's capture mode.
ALTER TABLE payments ADD COLUMN goods_left boolean NOT NULL DEFAULT false;
