-- Gateways say how they are configured, as far as that has to be the same at all of them.

ALTER TABLE node ADD COLUMN settings jsonb, ADD COLUMN settings_run bigint;
COMMENT ON COLUMN node.settings IS 'Keys of the configuration with their values, as text; null of a gateway that does not say.';
COMMENT ON COLUMN node.settings_run IS 'The run that has said so: a later one of an earlier program leaves the settings as they are.';

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
       n.ready,
       CASE WHEN n.settings_run = n.run THEN n.settings END AS settings
  FROM node n
 -- Keeps the view read-only: a view with OFFSET is not updatable.
OFFSET 0;
COMMENT ON COLUMN v_node.settings IS 'How it is configured, as far as that has to be the same at all gateways: an object of texts by their keys.';
