-- Gateways of two versions at a time: the next one comes while the one before serves, and may have to make way for it again.

CREATE TABLE oldest_program (
    migration integer NOT NULL
);
INSERT INTO oldest_program VALUES (19);
COMMENT ON TABLE oldest_program IS 'One row: which programs run on this schema. A migration that takes away what programs used raises it.';
COMMENT ON COLUMN oldest_program.migration IS 'The newest migration that a program has to know at least.';

-- True at the start, and for gateways that do not say: only whoever spreads clients evenly needs to know.
ALTER TABLE node ADD COLUMN ready boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN node.ready IS 'Whether load balancers are to bring clients, when it renewed its lease last.';

CREATE OR REPLACE VIEW v_node AS
SELECT n.id,
       CASE WHEN n.last_epoch IS NOT NULL THEN 'dead' WHEN n.lease_until > now() THEN 'alive' ELSE 'silent' END AS state,
       n.run,
       n.mailbox,
       n.lease_until,
       n.started_at,
       n.draining,
       n.connections,
       n.address,
       n.version,
       n.ready
  FROM node n
 -- Keeps the view read-only: a view with OFFSET is not updatable.
OFFSET 0;
COMMENT ON COLUMN v_node.ready IS 'Whether load balancers are to bring clients, a moment ago.';
