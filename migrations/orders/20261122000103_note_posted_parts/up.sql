-- Whether what left with a part was taken out of stock: until then inventory still holds it for the order.
ALTER TABLE order_fulfilments ADD COLUMN stock_posted boolean NOT NULL DEFAULT false;
