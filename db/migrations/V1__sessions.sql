-- Sessions of MQTT clients. PostgreSQL is their only owner: a gateway holds a session as long as the row carries the epoch it was given.

-- One sequence for all sessions, not a counter in the row: a row is deleted when its session ends, and a counter that began again at 1
-- would hand out an epoch a second time, to which a late write of the earlier owner would still match. CACHE must stay 1: with
-- values cached per backend, a later open could get a lower epoch than an earlier one.
CREATE SEQUENCE session_epoch AS bigint CACHE 1 NO CYCLE;
COMMENT ON SEQUENCE session_epoch IS 'Fencing numbers. An epoch is never used twice, not even after its session was deleted.';

CREATE TABLE session (
    client_id              text        PRIMARY KEY CHECK (octet_length(client_id) BETWEEN 1 AND 2048),
    epoch                  bigint      NOT NULL,
    node                   text        NOT NULL,
    connected              boolean     NOT NULL,
    resumed                boolean     NOT NULL,
    protocol               smallint    NOT NULL CHECK (protocol IN (3, 4, 5)),
    expiry_seconds         bigint      NOT NULL CHECK (expiry_seconds BETWEEN 0 AND 4294967295),
    username               text,
    created_at             timestamptz NOT NULL,
    connected_at           timestamptz NOT NULL,
    disconnected_at        timestamptz,
    expires_at             timestamptz,
    last_disconnect_reason smallint    CHECK (last_disconnect_reason BETWEEN 0 AND 255),
    CHECK (NOT connected OR expires_at IS NULL)
) WITH (
    -- Every connect and disconnect rewrites the row. Room in the page lets the new version stay beside the old one (HOT), without an index
    -- entry, for sessions that never expire; that is also why `connected` and `node` are in no index. A session with a finite expiry
    -- pays one index entry for each disconnect: the price of a sweep that reads only what is due.
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.05
);
CREATE INDEX session_due ON session (expires_at) WHERE expires_at IS NOT NULL;

COMMENT ON TABLE session IS 'One row for each MQTT session. Written by the gateways alone; read v_session instead.';
COMMENT ON COLUMN session.client_id IS 'MQTT Client Identifier; 2,048 bytes is what fits an index entry.';
COMMENT ON COLUMN session.epoch IS 'Raised at each open; every later write names it, so that a gateway that lost the session cannot write it.';
COMMENT ON COLUMN session.node IS 'Gateway that opened the session last.';
COMMENT ON COLUMN session.connected IS 'Whether a connection held the session when the row was last written; stays true when the gateway is killed.';
COMMENT ON COLUMN session.resumed IS 'Whether the last open found an earlier session: what CONNACK said as Session Present.';
COMMENT ON COLUMN session.protocol IS 'MQTT protocol level: 3 (3.1), 4 (3.1.1) or 5.';
COMMENT ON COLUMN session.expiry_seconds IS 'Session Expiry Interval: 0 ends with the connection, 4294967295 never ends.';
COMMENT ON COLUMN session.username IS 'User name of the last CONNECT, null when it had none.';
COMMENT ON COLUMN session.created_at IS 'When the session began, that is the last open that did not resume.';
COMMENT ON COLUMN session.connected_at IS 'When it was opened last.';
COMMENT ON COLUMN session.disconnected_at IS 'When its last connection ended, null while connected.';
COMMENT ON COLUMN session.expires_at IS 'When the sweep may delete it; null while connected, and when it never expires.';
COMMENT ON COLUMN session.last_disconnect_reason IS 'MQTT reason code of the last disconnect; null before the first one, and when the gateway was killed.';

CREATE TABLE received (
    client_id  text    NOT NULL REFERENCES session ON DELETE CASCADE,
    packet_id  integer NOT NULL CHECK (packet_id BETWEEN 1 AND 65535),
    message_id text    NOT NULL,
    PRIMARY KEY (client_id, packet_id)
) WITH (
    -- Rows live from PUBLISH to PUBREL: a small table with a large turnover.
    autovacuum_vacuum_scale_factor = 0.02
);
COMMENT ON TABLE received IS 'QoS 2 PUBLISHes taken from a client and not yet released by PUBREL [MQTT-4.3.3-10].';
COMMENT ON COLUMN received.client_id IS 'Session that the packet identifier belongs to.';
COMMENT ON COLUMN received.packet_id IS 'Packet Identifier of the PUBLISH.';
COMMENT ON COLUMN received.message_id IS 'mqtt-message-id of its Kafka record.';

-- Opens or resumes a session. Not one statement with CTEs, because those share one snapshot: an open that waited for the row would then not see
-- what the journal committed into `received` meanwhile. Here each statement has its own.
-- A row whose expiry was 0 is never resumed, even if it says connected: that session ended with its connection, and only its gateway
-- had no time to say so. A connected row with a longer expiry is resumed: take-over, or the gateway was killed.
CREATE FUNCTION open_session(
    a_client_id text, a_clean_start boolean, a_protocol smallint, a_expiry_seconds bigint, a_username text, a_node text,
    OUT present boolean, OUT opened_epoch bigint, OUT packet_ids integer[], OUT message_ids text[]
) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO session AS s
        (client_id, epoch, node, connected, resumed, protocol, expiry_seconds, username, created_at, connected_at)
    VALUES
        (a_client_id, nextval('session_epoch'), a_node, true, false, a_protocol, a_expiry_seconds, a_username, now(), now())
    ON CONFLICT (client_id) DO UPDATE SET
        -- Not excluded.epoch, which was drawn before this open waited for its turn and may be lower than the row's.
        epoch = nextval('session_epoch'),
        node = excluded.node,
        connected = true,
        resumed = NOT a_clean_start AND s.expiry_seconds > 0 AND (s.expires_at IS NULL OR s.expires_at > now()),
        protocol = excluded.protocol,
        expiry_seconds = excluded.expiry_seconds,
        username = excluded.username,
        created_at = CASE
            WHEN NOT a_clean_start AND s.expiry_seconds > 0 AND (s.expires_at IS NULL OR s.expires_at > now()) THEN s.created_at
            ELSE excluded.created_at END,
        connected_at = excluded.connected_at,
        disconnected_at = NULL,
        expires_at = NULL
    RETURNING s.resumed, s.epoch INTO present, opened_epoch;

    IF present THEN
        SELECT array_agg(r.packet_id ORDER BY r.packet_id), array_agg(r.message_id ORDER BY r.packet_id)
          INTO packet_ids, message_ids
          FROM received r WHERE r.client_id = a_client_id;
    ELSE
        DELETE FROM received r WHERE r.client_id = a_client_id;
    END IF;
END
$$;
COMMENT ON FUNCTION open_session IS 'Opens or resumes a session under a new epoch; packet_ids and message_ids are null when none are held.';

CREATE VIEW v_session AS
SELECT s.client_id,
       s.connected,
       s.node,
       CASE s.protocol WHEN 3 THEN '3.1' WHEN 4 THEN '3.1.1' ELSE '5.0' END AS protocol,
       s.username,
       s.resumed,
       CASE WHEN s.expiry_seconds < 4294967295 THEN s.expiry_seconds * interval '1 second' END AS expiry,
       s.created_at,
       s.connected_at,
       s.disconnected_at,
       s.expires_at,
       s.last_disconnect_reason,
       (SELECT count(*) FROM received r WHERE r.client_id = s.client_id) AS received_unreleased,
       s.epoch
  FROM session s
 -- Keeps the view read-only: a view with OFFSET is not updatable.
OFFSET 0;
COMMENT ON VIEW v_session IS 'Sessions for operators. Read-only; its columns are a promise, those of the tables are not.';
COMMENT ON COLUMN v_session.client_id IS 'MQTT Client Identifier.';
COMMENT ON COLUMN v_session.connected IS 'Whether a connection holds the session; stays true after a gateway was killed, until it or the client is back.';
COMMENT ON COLUMN v_session.node IS 'Gateway that opened the session last.';
COMMENT ON COLUMN v_session.protocol IS 'MQTT version: 3.1, 3.1.1 or 5.0.';
COMMENT ON COLUMN v_session.username IS 'User name of the last CONNECT.';
COMMENT ON COLUMN v_session.resumed IS 'Whether the last CONNACK said Session Present.';
COMMENT ON COLUMN v_session.expiry IS 'How long the session outlives its connection; null: for ever.';
COMMENT ON COLUMN v_session.created_at IS 'When the session began.';
COMMENT ON COLUMN v_session.connected_at IS 'When it was opened last.';
COMMENT ON COLUMN v_session.disconnected_at IS 'When its last connection ended; null while connected.';
COMMENT ON COLUMN v_session.expires_at IS 'When it ends unless the client returns; null while connected, and when it never expires.';
COMMENT ON COLUMN v_session.last_disconnect_reason IS 'MQTT reason code of the last disconnect.';
COMMENT ON COLUMN v_session.received_unreleased IS 'QoS 2 messages taken from the client and not yet released by PUBREL.';
COMMENT ON COLUMN v_session.epoch IS 'Fencing number of the last open.';
