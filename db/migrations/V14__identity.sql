-- Whose a session is: nobody else resumes it, takes it over or replaces it. What a client only said of itself was kept as its user name
-- before; nobody has to know that any more.

DROP VIEW v_session;
ALTER TABLE session DROP COLUMN username, ADD COLUMN identity text COLLATE "C";
COMMENT ON COLUMN session.identity IS 'Authenticated user name of the client that it belongs to; empty for anonymous clients. Null from before V14: it belongs to whoever opens it first.';
ALTER TABLE will DROP COLUMN username, ADD COLUMN identity text COLLATE "C";
COMMENT ON COLUMN will.identity IS 'Authenticated user name of the client that brought it; empty for anonymous clients, null from before V14.';
-- For operators who look for the sessions of one user. Anonymous clients have no entry.
CREATE INDEX session_identity ON session (identity, client_id) WHERE identity <> '';

CREATE VIEW v_session AS
SELECT s.client_id,
       s.connected,
       s.node,
       CASE s.protocol WHEN 3 THEN '3.1' WHEN 4 THEN '3.1.1' ELSE '5.0' END AS protocol,
       nullif(s.identity, '') AS username,
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
COMMENT ON COLUMN v_session.username IS 'Authenticated user name that the session belongs to; null for anonymous clients, and for sessions from before there were any.';
COMMENT ON COLUMN v_session.resumed IS 'Whether the last CONNACK said Session Present.';
COMMENT ON COLUMN v_session.expiry IS 'How long the session outlives its connection; null: for ever.';
COMMENT ON COLUMN v_session.created_at IS 'When the session began.';
COMMENT ON COLUMN v_session.connected_at IS 'When it was opened last.';
COMMENT ON COLUMN v_session.disconnected_at IS 'When its last connection ended; null while connected.';
COMMENT ON COLUMN v_session.expires_at IS 'When it ends unless the client returns; null while connected, and when it never expires.';
COMMENT ON COLUMN v_session.last_disconnect_reason IS 'MQTT reason code of the last disconnect.';
COMMENT ON COLUMN v_session.received_unreleased IS 'QoS 2 messages taken from the client and not yet released by PUBREL.';
COMMENT ON COLUMN v_session.epoch IS 'Fencing number of the last open.';


-- Opens or resumes a session, unless it is another identity's: then it says refused, and has changed nothing. Each statement has its own snapshot: an open that waited for the row sees what the journal committed meanwhile.
-- A row whose expiry was 0 is never resumed, even if it says connected: that session ended with its connection, and only its gateway had no
-- time to say so. A connected row with a longer expiry is resumed: take-over, or the gateway was killed.
DROP FUNCTION open_session(text, boolean, smallint, bigint, text, text, bigint, text, smallint, boolean, bytea, bytea, integer);
CREATE FUNCTION open_session(
    a_client_id text, a_clean_start boolean, a_protocol smallint, a_expiry_seconds bigint, a_identity text, a_node text,
    a_will_delay bigint DEFAULT NULL, a_will_topic text DEFAULT NULL, a_will_qos smallint DEFAULT NULL,
    a_will_retain boolean DEFAULT NULL, a_will_properties bytea DEFAULT NULL, a_will_payload bytea DEFAULT NULL,
    a_send_quota integer DEFAULT 65535, a_will_requester text DEFAULT NULL,
    OUT present boolean, OUT opened_epoch bigint, OUT packet_ids integer[], OUT message_ids text[],
    OUT filters text[], OUT granted smallint[], OUT no_locals boolean[], OUT retains_as_published boolean[],
    OUT retain_handlings smallint[], OUT subscription_identifiers integer[],
    OUT sent bigint, OUT last bigint, OUT waiting boolean, OUT due_wills bigint[],
    OUT refused boolean
) LANGUAGE plpgsql AS $$
DECLARE
    earlier session;
    has_wills boolean;
BEGIN
    sent := 0;
    last := 0;
    waiting := false;
    LOOP
        SELECT * INTO earlier FROM session s WHERE s.client_id = a_client_id FOR UPDATE;
        IF FOUND THEN
            -- Before anything is changed, and while nobody else can change the row.
            refused := earlier.identity <> a_identity
                AND (earlier.connected OR earlier.expires_at IS NULL OR earlier.expires_at > now());
            IF refused THEN
                present := false;
                RETURN;
            END IF;
            present := NOT a_clean_start AND earlier.expiry_seconds > 0
                AND (earlier.expires_at IS NULL OR earlier.expires_at > now());
            EXIT WHEN present;
            DELETE FROM session s WHERE s.client_id = a_client_id;
        END IF;
        present := false;
        -- Drawn anew in each round: an epoch from before a wait for the row's last owner may be lower than the owner's.
        opened_epoch := nextval('session_epoch');
        INSERT INTO session
            (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, identity, created_at, connected_at, send_quota)
        VALUES
            (opened_epoch, a_client_id, opened_epoch, a_node, true, false, a_protocol, a_expiry_seconds, a_identity, now(), now(),
             a_send_quota)
        ON CONFLICT (client_id) DO NOTHING
        RETURNING EXISTS (SELECT FROM will w WHERE w.client_id = a_client_id) INTO has_wills;
        EXIT WHEN FOUND;
    END LOOP;

    IF present THEN
        opened_epoch := nextval('session_epoch');
        UPDATE session s
           SET epoch = opened_epoch, node = a_node, connected = true, resumed = true, protocol = a_protocol,
               expiry_seconds = a_expiry_seconds, identity = a_identity, connected_at = now(), disconnected_at = NULL, expires_at = NULL,
               send_quota = a_send_quota
         WHERE s.client_id = a_client_id
        RETURNING EXISTS (SELECT FROM will w WHERE w.client_id = a_client_id) INTO has_wills;

        SELECT array_agg(r.packet_id ORDER BY r.packet_id), array_agg(r.message_id ORDER BY r.packet_id)
          INTO packet_ids, message_ids
          FROM received r WHERE r.client_id = a_client_id;
        SELECT array_agg(b.filter), array_agg(b.qos), array_agg(b.no_local), array_agg(b.retain_as_published),
               array_agg(b.retain_handling), array_agg(b.identifier)
          INTO filters, granted, no_locals, retains_as_published, retain_handlings, subscription_identifiers
          FROM subscription b WHERE b.session_id = earlier.id;

        SELECT q.last_seq INTO last FROM queue q WHERE q.session_id = earlier.id;
        -- Nobody said what the connection that was there until now has sent: at most what its quota let it have unanswered.
        IF earlier.connected THEN
            UPDATE queue_out o SET sent_seq = greatest(o.sent_seq, (
                SELECT max(u.seq) FROM (SELECT r.seq FROM queued r WHERE r.session_id = earlier.id AND NOT r.received
                                         ORDER BY r.seq LIMIT earlier.send_quota) u))
             WHERE o.session_id = earlier.id;
        END IF;
        SELECT o.sent_seq INTO sent FROM queue_out o WHERE o.session_id = earlier.id;
        waiting := EXISTS (SELECT FROM queued r WHERE r.session_id = earlier.id);

        IF has_wills THEN
            -- The client is back within the delay: its will is not published [MQTT-3.1.3-9]. One without a delay is due with the end of
            -- its connection, also when the cause is this one [MQTT-3.1.4-3].
            DELETE FROM will w WHERE w.client_id = a_client_id AND w.delay_seconds > 0 AND (w.due_at IS NULL OR w.due_at > now());
            UPDATE will w SET due_at = now() WHERE w.client_id = a_client_id AND w.due_at IS NULL;
        END IF;
    ELSIF a_expiry_seconds > 0 THEN
        INSERT INTO queue (session_id) VALUES (opened_epoch);
        INSERT INTO queue_out (session_id) VALUES (opened_epoch);
    END IF;

    -- Also those of sessions that have ended: the client's new messages must not overtake them.
    IF has_wills THEN
        SELECT array_agg(w.id) INTO due_wills FROM will w WHERE w.client_id = a_client_id AND w.due_at <= clock_timestamp();
    END IF;

    IF a_will_topic IS NOT NULL THEN
        INSERT INTO will (client_id, identity, requester, delay_seconds, topic, qos, retain, properties, payload)
        VALUES (a_client_id, a_identity, a_will_requester, a_will_delay, a_will_topic, a_will_qos, a_will_retain, a_will_properties,
                a_will_payload);
    END IF;
END
$$;
COMMENT ON FUNCTION open_session IS 'Opens or resumes a session under a new epoch, or refuses one that is another identity''s; the arrays are null when there is nothing to tell.';
