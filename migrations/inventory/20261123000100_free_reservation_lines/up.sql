-- As with the lines of orders: those of a reservation are written in the statement that writes the reservation, or under
-- its lock, and nothing deletes a reservation. A check per row, and a lock of the reservation that it takes, cost more than
-- the insert.
ALTER TABLE reservation_lines DROP CONSTRAINT reservation_lines_reservation_id_fkey;
