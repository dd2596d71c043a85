-- Which gateways run. One that has not renewed its lease in time is declared dead by another one, once and for good: from then on its
-- sessions are ended in small transactions, by whoever has the row's lock.
CREATE TABLE node (
    id          text        COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    run         bigint      NOT NULL,
    mailbox     integer     UNIQUE CHECK (mailbox >= 1),
    lease_until timestamptz NOT NULL,
    started_at  timestamptz NOT NULL,
    draining    boolean     NOT NULL DEFAULT false,
    connections integer     NOT NULL DEFAULT 0,
    address     text,
    version     text,
    last_epoch  bigint
) WITH (
    fillfactor = 10
);
COMMENT ON TABLE node IS 'Gateways that run, and those that are dead and not buried yet. Read v_node instead.';
COMMENT ON COLUMN node.id IS 'Its name, sluice.node.id; session.node has it.';
COMMENT ON COLUMN node.run IS 'Drawn from session_epoch at the start: what this run opens has an epoch above it.';
COMMENT ON COLUMN node.mailbox IS 'Partition of the relay topic that it reads; null for a name that was found in sessions only.';
COMMENT ON COLUMN node.lease_until IS 'Past this time another gateway may declare it dead.';
COMMENT ON COLUMN node.started_at IS 'When this run began.';
COMMENT ON COLUMN node.draining IS 'Whether it is told to let its clients go, or does so.';
COMMENT ON COLUMN node.connections IS 'Its open connections, when it renewed its lease last.';
COMMENT ON COLUMN node.address IS 'Its host and the port for devices.';
COMMENT ON COLUMN node.version IS 'Of its program.';
COMMENT ON COLUMN node.last_epoch IS 'Set when it is declared dead: what it has opened has an epoch up to this one.';

-- A session of PostgreSQL holds the lock of a name for as long as a gateway runs under it: the process is dead, or has lost its connection,
-- when the lock is free. Then nobody waits for the end of its lease.
CREATE FUNCTION lock_node(a_id text) RETURNS boolean LANGUAGE sql AS $$
    SELECT pg_try_advisory_lock(7547851, hashtext(a_id))
$$;
COMMENT ON FUNCTION lock_node IS 'Takes the lock of a gateway''s name for this session of PostgreSQL; whether it has it.';

CREATE FUNCTION lock_sweeps() RETURNS boolean LANGUAGE sql AS $$
    SELECT pg_try_advisory_lock(7547852, 0)
$$;
COMMENT ON FUNCTION lock_sweeps IS 'Takes the lock of the one gateway that sweeps, for this session of PostgreSQL; whether it has it.';

-- A name is refused while another run's lease lives, unless that run has lost the lock of the name. A later run of a name keeps the mailbox.
CREATE FUNCTION claim_node(
    a_id text, a_locked boolean, a_lease interval, a_mailboxes integer, a_address text, a_version text,
    OUT claimed_run bigint, OUT claimed_mailbox integer, OUT former_run bigint, OUT alive_for interval
) LANGUAGE plpgsql AS $$
DECLARE
    former node;
BEGIN
    -- Those who claim take turns, so that each sees what those before it have taken.
    PERFORM pg_advisory_xact_lock(7547852, 1);
    SELECT * INTO former FROM node WHERE id = a_id FOR UPDATE;
    former_run := former.run;
    IF NOT a_locked AND former.last_epoch IS NULL AND former.lease_until > clock_timestamp() THEN
        alive_for := former.lease_until - clock_timestamp();
        RETURN;
    END IF;
    SELECT m INTO claimed_mailbox FROM generate_series(1, a_mailboxes) m
     WHERE NOT EXISTS (SELECT FROM node n WHERE n.mailbox = m AND n.id <> a_id)
     ORDER BY m IS DISTINCT FROM former.mailbox, m LIMIT 1;
    IF claimed_mailbox IS NULL THEN
        RETURN;
    END IF;
    claimed_run := nextval('session_epoch');
    INSERT INTO node AS n (id, run, mailbox, lease_until, started_at, address, version)
    VALUES (a_id, claimed_run, claimed_mailbox, clock_timestamp() + a_lease, clock_timestamp(), a_address, a_version)
    ON CONFLICT (id) DO UPDATE
       SET run = excluded.run, mailbox = excluded.mailbox, lease_until = excluded.lease_until, started_at = excluded.started_at,
           draining = false, connections = 0, address = excluded.address, version = excluded.version, last_epoch = NULL;
END
$$;
COMMENT ON FUNCTION claim_node IS 'Makes a gateway the one of this name, under a new run, with the lowest free mailbox. Without a run in the answer, either alive_for says how long the lease of the name''s present run lasts, or all mailboxes are taken.';

CREATE VIEW v_node AS
SELECT n.id,
       CASE WHEN n.last_epoch IS NOT NULL THEN 'dead' WHEN n.lease_until > now() THEN 'alive' ELSE 'silent' END AS state,
       n.run,
       n.mailbox,
       n.lease_until,
       n.started_at,
       n.draining,
       n.connections,
       n.address,
       n.version
  FROM node n
 -- Keeps the view read-only: a view with OFFSET is not updatable.
OFFSET 0;
COMMENT ON VIEW v_node IS 'Gateways for operators. Read-only; its columns are a promise, those of the tables are not.';
COMMENT ON COLUMN v_node.id IS 'Its name, sluice.node.id.';
COMMENT ON COLUMN v_node.state IS 'alive; silent: its lease is over, and nobody has declared it dead; dead: another gateway ends its sessions.';
COMMENT ON COLUMN v_node.run IS 'Number of its start: a later start of any gateway has a higher one.';
COMMENT ON COLUMN v_node.mailbox IS 'Partition of the relay topic that it reads.';
COMMENT ON COLUMN v_node.lease_until IS 'How long it counts as alive.';
COMMENT ON COLUMN v_node.started_at IS 'When it started.';
COMMENT ON COLUMN v_node.draining IS 'Whether it lets its clients go.';
COMMENT ON COLUMN v_node.connections IS 'Its open connections, a moment ago.';
COMMENT ON COLUMN v_node.address IS 'Its host and the port for devices.';
COMMENT ON COLUMN v_node.version IS 'Of its program.';
COMMENT ON COLUMN v_session.connected IS 'Whether a connection holds the session; stays true after a gateway was killed, until it counts as dead, or it or the client is back.';
