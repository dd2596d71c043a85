-- Wills that are told to subscribers before their client's next message, whether Kafka is there or not; what a lost connection may have sent
-- at most; and sessions that an operator deletes.

ALTER TABLE will
    ADD COLUMN username text,
    ADD COLUMN delivered boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN will.username IS 'User name of the CONNECT that brought it, null when it had none.';
COMMENT ON COLUMN will.delivered IS 'Subscribers have it, and it is retained if it asks for that: what is left is its record in Kafka.';
DROP INDEX will_due;
-- Two lists of work, so that wills which wait for Kafka are in nobody's way.
CREATE INDEX will_due ON will (due_at, id) WHERE due_at IS NOT NULL AND NOT delivered;
CREATE INDEX will_delivered ON will (due_at, id) WHERE delivered;

-- Rows from before have no bound of their own.
ALTER TABLE session ADD COLUMN send_quota integer NOT NULL DEFAULT 65535 CHECK (send_quota BETWEEN 1 AND 65535);
COMMENT ON COLUMN session.send_quota IS 'Messages that the last connection could have unanswered: what it may have sent at most, if nobody said.';

-- Whatever ends a session: what it holds is worked off, and its will is due [MQTT-3.1.2-8]. Of what a gateway ends itself it knows; of an
-- operator's DELETE the gateways are told, so that they forget its subscriptions and end its connection.
CREATE OR REPLACE FUNCTION session_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ended_session
    SELECT g.id FROM gone g WHERE EXISTS (SELECT FROM queue q WHERE q.session_id = g.id);
    UPDATE will w SET due_at = now()
      FROM gone g WHERE w.client_id = g.client_id AND (w.due_at IS NULL OR w.due_at > now());
    IF current_setting('sluice.gateway', true) IS DISTINCT FROM 'on' THEN
        PERFORM pg_notify('sluice_sessions', g.id || ' ' || g.client_id) FROM gone g;
    END IF;
    RETURN NULL;
END
$$;

-- Opens or resumes a session. Each statement has its own snapshot: an open that waited for the row sees what the journal committed meanwhile.
-- A row whose expiry was 0 is never resumed, even if it says connected: that session ended with its connection, and only its gateway had no
-- time to say so. A connected row with a longer expiry is resumed: take-over, or the gateway was killed.
DROP FUNCTION open_session(text, boolean, smallint, bigint, text, text, bigint, text, smallint, boolean, bytea, bytea);
CREATE FUNCTION open_session(
    a_client_id text, a_clean_start boolean, a_protocol smallint, a_expiry_seconds bigint, a_username text, a_node text,
    a_will_delay bigint DEFAULT NULL, a_will_topic text DEFAULT NULL, a_will_qos smallint DEFAULT NULL,
    a_will_retain boolean DEFAULT NULL, a_will_properties bytea DEFAULT NULL, a_will_payload bytea DEFAULT NULL,
    a_send_quota integer DEFAULT 65535,
    OUT present boolean, OUT opened_epoch bigint, OUT packet_ids integer[], OUT message_ids text[],
    OUT filters text[], OUT granted smallint[], OUT no_locals boolean[], OUT retains_as_published boolean[],
    OUT retain_handlings smallint[], OUT subscription_identifiers integer[],
    OUT sent bigint, OUT last bigint, OUT waiting boolean, OUT due_wills bigint[]
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
            present := NOT a_clean_start AND earlier.expiry_seconds > 0
                AND (earlier.expires_at IS NULL OR earlier.expires_at > now());
            EXIT WHEN present;
            DELETE FROM session s WHERE s.client_id = a_client_id;
        END IF;
        present := false;
        -- Drawn anew in each round: an epoch from before a wait for the row's last owner may be lower than the owner's.
        opened_epoch := nextval('session_epoch');
        INSERT INTO session
            (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, username, created_at, connected_at, send_quota)
        VALUES
            (opened_epoch, a_client_id, opened_epoch, a_node, true, false, a_protocol, a_expiry_seconds, a_username, now(), now(),
             a_send_quota)
        ON CONFLICT (client_id) DO NOTHING
        RETURNING EXISTS (SELECT FROM will w WHERE w.client_id = a_client_id) INTO has_wills;
        EXIT WHEN FOUND;
    END LOOP;

    IF present THEN
        opened_epoch := nextval('session_epoch');
        UPDATE session s
           SET epoch = opened_epoch, node = a_node, connected = true, resumed = true, protocol = a_protocol,
               expiry_seconds = a_expiry_seconds, username = a_username, connected_at = now(), disconnected_at = NULL, expires_at = NULL,
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
        INSERT INTO will (client_id, username, delay_seconds, topic, qos, retain, properties, payload)
        VALUES (a_client_id, a_username, a_will_delay, a_will_topic, a_will_qos, a_will_retain, a_will_properties, a_will_payload);
    END IF;
END
$$;
COMMENT ON FUNCTION open_session IS 'Opens or resumes a session under a new epoch; the arrays are null when there is nothing to tell.';
