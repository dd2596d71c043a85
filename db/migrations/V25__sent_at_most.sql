-- What a connection may have sent that ended without a word: what it has received counts as sent, though nothing else is left.

COMMENT ON COLUMN session.send_quota IS
    'Messages that the last connection may have been sent and whose answers are not here, at most; before V25, those without an answer.';

-- Rows are sent in their order. So there is one that certainly was not sent behind as many without an answer as there may be at most; if
-- there are fewer, all may have been sent.
CREATE FUNCTION sent_at_most(a_session_id bigint, a_send_quota integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT r.seq FROM queued r WHERE r.session_id = a_session_id AND NOT r.received ORDER BY r.seq OFFSET a_send_quota - 1 LIMIT 1),
        (SELECT max(r.seq) FROM queued r WHERE r.session_id = a_session_id))
$$;
COMMENT ON FUNCTION sent_at_most(bigint, integer) IS
    'The last place of a queue that a connection may have sent which ended without a word; null if the queue is empty.';

-- Of those that have ended that way before.
UPDATE queue_out o SET sent_seq = r.seq
  FROM (SELECT q.session_id, max(q.seq) AS seq FROM queued q JOIN session s ON s.id = q.session_id AND NOT s.connected
         WHERE q.received GROUP BY q.session_id) r
 WHERE o.session_id = r.session_id AND o.sent_seq < r.seq;

-- Opens or resumes a session, unless it is another identity's: then it says refused, and has changed nothing. Each statement has its own snapshot: an open that waited for the row sees what the journal committed meanwhile.
-- A row whose expiry was 0 is never resumed, even if it says connected: that session ended with its connection, and only its gateway had no
-- time to say so. A connected row with a longer expiry is resumed: take-over, or the gateway was killed.
--
-- a_others names the other gateways that live. Answers besides with the gateway and the epoch of the connection that held the session until
-- now, and with the session that ends by this, if it had a queue.
CREATE OR REPLACE FUNCTION open_session(
    a_client_id text, a_clean_start boolean, a_protocol smallint, a_expiry_seconds bigint, a_identity text, a_node text,
    a_will_delay bigint, a_will_topic text, a_will_qos smallint, a_will_retain boolean, a_will_properties bytea, a_will_payload bytea,
    a_send_quota integer, a_will_requester text, a_others text[],
    OUT present boolean, OUT opened_epoch bigint, OUT packet_ids integer[], OUT message_ids text[],
    OUT filters text[], OUT granted smallint[], OUT no_locals boolean[], OUT retains_as_published boolean[],
    OUT retain_handlings smallint[], OUT subscription_identifiers integer[],
    OUT sent bigint, OUT last bigint, OUT waiting boolean, OUT due_wills bigint[],
    OUT refused boolean, OUT former_node text, OUT former_epoch bigint, OUT replaced_id bigint
) LANGUAGE plpgsql AS $$
DECLARE
    earlier session;
    has_wills boolean;
    -- The gateways tell each other within this time, or one of them is cut off.
    grace CONSTANT interval := '2 seconds';
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
            IF earlier.connected THEN
                former_node := earlier.node;
                former_epoch := earlier.epoch;
            END IF;
            present := NOT a_clean_start AND earlier.expiry_seconds > 0
                AND (earlier.expires_at IS NULL OR earlier.expires_at > now());
            EXIT WHEN present;
            SELECT q.session_id INTO replaced_id FROM queue q WHERE q.session_id = earlier.id;
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
        -- Nobody said what the connection that was there until now has sent.
        IF earlier.connected THEN
            UPDATE queue_out o SET sent_seq = greatest(o.sent_seq, sent_at_most(earlier.id, earlier.send_quota))
             WHERE o.session_id = earlier.id;
        END IF;
        SELECT o.sent_seq INTO sent FROM queue_out o WHERE o.session_id = earlier.id;
        waiting := EXISTS (SELECT FROM queued r WHERE r.session_id = earlier.id);

        IF has_wills THEN
            -- The client is back within the delay: its will is not published [MQTT-3.1.3-9]. One without a delay is due with the end of
            -- its connection, also when the cause is this one [MQTT-3.1.4-3].
            DELETE FROM will w
             WHERE w.client_id = a_client_id AND w.delay_seconds > 0 AND (w.due_at IS NULL OR w.due_at > now())
               AND coalesce(w.epoch, earlier.id) >= earlier.id;
            UPDATE will w SET due_at = now() WHERE w.client_id = a_client_id AND w.due_at IS NULL;
        END IF;
    ELSIF a_expiry_seconds > 0 THEN
        INSERT INTO queue (session_id) VALUES (opened_epoch);
        INSERT INTO queue_out (session_id) VALUES (opened_epoch);
    END IF;

    -- Also those of sessions that have ended: the client's new messages must not overtake them.
    IF has_wills THEN
        -- The gateway that held the client until now may have read a DISCONNECT that withdraws the will, and not have written that yet: it
        -- does so by the epoch, though this open has fenced it.
        IF former_node = ANY (a_others) THEN
            UPDATE will w SET due_at = now() + grace WHERE w.client_id = a_client_id AND w.epoch = former_epoch;
        END IF;
        SELECT array_agg(w.id) INTO due_wills FROM will w WHERE w.client_id = a_client_id AND w.due_at <= clock_timestamp() + grace;
    END IF;

    IF a_will_topic IS NOT NULL THEN
        INSERT INTO will (client_id, epoch, identity, requester, delay_seconds, topic, qos, retain, properties, payload)
        VALUES (a_client_id, opened_epoch, a_identity, a_will_requester, a_will_delay, a_will_topic, a_will_qos, a_will_retain,
                a_will_properties, a_will_payload);
    END IF;
END
$$;
