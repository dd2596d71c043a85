-- The spool: records whose clients have their answer, and that wait for Kafka.
--
-- Nobody waits in a circle here: the journal inserts, and rewrites a counter that is its lane's own; whoever drains a lane deletes what it has
-- read, and rewrites its own counter; what a gateway holds is deleted by that gateway alone.

CREATE SEQUENCE spool_seq AS bigint CACHE 1 NO CYCLE;
COMMENT ON SEQUENCE spool_seq IS 'Places in the spool. What one client has spooled later has a higher one, whichever gateway wrote it.';

CREATE TABLE spool (
    lane            smallint    NOT NULL,
    seq             bigint      NOT NULL,
    holder          bigint,
    client_id       text        NOT NULL,
    kafka_topic     text        NOT NULL,
    kafka_partition integer,
    key             bytea,
    headers         bytea       NOT NULL,
    value           bytea       NOT NULL,
    record_at       bigint      NOT NULL,
    bytes           integer     NOT NULL,
    spooled_at      timestamptz NOT NULL DEFAULT now(),
    failure         text,
    PRIMARY KEY (lane, seq),
    CHECK ((lane = -1) = (failure IS NOT NULL))
) WITH (
    -- It grows in an outage and is emptied from the front: what is dead must go before the drain has to step over it again and again.
    autovacuum_vacuum_scale_factor = 0.02,
    -- Giving the room back locks the table against everybody; the next outage needs it again.
    vacuum_truncate = false,
    toast.vacuum_truncate = false
);
ALTER TABLE spool ALTER COLUMN value SET STORAGE EXTERNAL;
ALTER TABLE spool ALTER COLUMN headers SET STORAGE EXTERNAL;
COMMENT ON TABLE spool IS 'Kafka records that wait for Kafka. Read v_spool instead.';
COMMENT ON COLUMN spool.lane IS 'Hash of the record''s key: all records of a key are in one lane, which is drained in the order of seq. -1: Kafka does not take it.';
COMMENT ON COLUMN spool.holder IS 'spool_holder.id of a gateway whose Kafka producer has the record, too, and delivers it if that gateway lives; else null.';
COMMENT ON COLUMN spool.kafka_partition IS 'Null where the key chooses.';
COMMENT ON COLUMN spool.headers IS 'For each: length of the name, name, length of the value (-1 for none), value.';
COMMENT ON COLUMN spool.record_at IS 'The record''s timestamp, milliseconds since 1970.';
COMMENT ON COLUMN spool.bytes IS 'What it counts for in the bound of the spool.';
COMMENT ON COLUMN spool.failure IS 'Why Kafka does not take it; null for those that wait.';

CREATE TABLE spool_holder (
    id          bigint      PRIMARY KEY,
    node        text        NOT NULL,
    alive_until timestamptz NOT NULL
) WITH (
    fillfactor = 10
);
COMMENT ON TABLE spool_holder IS 'Runs of gateways that hold rows or lanes of the spool. What one holds that does not renew this in time is free.';

CREATE TABLE spool_lane (
    lane   smallint PRIMARY KEY,
    holder bigint
) WITH (
    fillfactor = 10
);
INSERT INTO spool_lane (lane) SELECT generate_series(0, 15);
COMMENT ON TABLE spool_lane IS 'Which run of a gateway drains a lane; null: nobody.';

-- One row for each that writes, so that nobody waits for another; the sum is the depth.
CREATE TABLE spool_count (
    writer bigint PRIMARY KEY,
    rows   bigint NOT NULL,
    bytes  bigint NOT NULL
) WITH (
    fillfactor = 10
);
COMMENT ON TABLE spool_count IS 'How many rows and bytes each lane of a journal and each drain has added, less what it has removed.';

CREATE FUNCTION spool_forget_failed() RETURNS bigint LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM spool WHERE lane = -1 RETURNING bytes),
    counted AS (
        INSERT INTO spool_count AS c SELECT 0, -count(*), -coalesce(sum(bytes), 0) FROM gone
        ON CONFLICT (writer) DO UPDATE SET rows = c.rows + excluded.rows, bytes = c.bytes + excluded.bytes)
    SELECT count(*) FROM gone
$$;
COMMENT ON FUNCTION spool_forget_failed IS 'Deletes the records that Kafka does not take, for good; says how many. For operators.';

CREATE VIEW v_spool AS
SELECT s.client_id,
       s.kafka_topic,
       CASE WHEN s.lane >= 0 THEN s.lane END AS lane,
       s.seq,
       CASE WHEN s.failure IS NOT NULL THEN 'failed' WHEN h.id IS NOT NULL THEN 'held' ELSE 'waiting' END AS state,
       h.node,
       s.bytes,
       to_timestamp(s.record_at / 1000.0) AS received_at,
       s.spooled_at,
       s.failure
  FROM spool s LEFT JOIN spool_holder h ON h.id = s.holder AND h.alive_until > now()
OFFSET 0;
COMMENT ON VIEW v_spool IS 'Records that wait for Kafka, and those that it does not take, for operators. Read-only.';
COMMENT ON COLUMN v_spool.client_id IS 'MQTT Client Identifier of the publisher.';
COMMENT ON COLUMN v_spool.kafka_topic IS 'Where the record goes.';
COMMENT ON COLUMN v_spool.lane IS 'Lane that it waits in; null for one that Kafka does not take.';
COMMENT ON COLUMN v_spool.seq IS 'Place in its lane.';
COMMENT ON COLUMN v_spool.state IS 'waiting; held: a living gateway''s producer has it, too; failed: Kafka does not take it.';
COMMENT ON COLUMN v_spool.node IS 'The gateway that holds it.';
COMMENT ON COLUMN v_spool.bytes IS 'What it counts for in the bound of the spool.';
COMMENT ON COLUMN v_spool.received_at IS 'When the message was received; the record''s timestamp.';
COMMENT ON COLUMN v_spool.spooled_at IS 'When it was written to the spool.';
COMMENT ON COLUMN v_spool.failure IS 'Why Kafka does not take it.';
