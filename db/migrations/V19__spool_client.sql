-- A client that comes from another gateway is asked for here: its new records must not pass those that it has in the spool.
CREATE INDEX spool_client ON spool (client_id COLLATE "C", seq) WHERE lane >= 0;
