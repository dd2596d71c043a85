-- Sessions that move between gateways, and subscriptions that all gateways know.

ALTER TABLE will ADD COLUMN epoch bigint;
COMMENT ON COLUMN will.epoch IS 'session.epoch of the connection that brought it; null from before V18.';

-- A gateway that has missed what others told asks which sessions' subscriptions have changed since.
ALTER TABLE queue_out ADD COLUMN subscriptions_changed_at timestamptz;
COMMENT ON COLUMN queue_out.subscriptions_changed_at IS 'When the session has subscribed or unsubscribed last; null for never, and before V18.';
CREATE INDEX queue_out_subscriptions_changed ON queue_out (subscriptions_changed_at, session_id) WHERE subscriptions_changed_at IS NOT NULL;

-- Opens or resumes a session, unless it is another identity's: then it says refused, and has changed nothing. Each statement has its own snapshot: an open that waited for the row sees what the journal committed meanwhile.
-- A row whose expiry was 0 is never resumed, even if it says connected: that session ended with its connection, and only its gateway had no
-- time to say so. A connected row with a longer expiry is resumed: take-over, or the gateway was killed.
--
-- a_others names the other gateways that live. Answers besides with the gateway and the epoch of the connection that held the session until
-- now, and with the session that ends by this, if it had a queue.
CREATE FUNCTION open_session(
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
COMMENT ON FUNCTION open_session(text, boolean, smallint, bigint, text, text, bigint, text, smallint, boolean, bytea, bytea, integer, text, text[]) IS
    'Opens or resumes a session under a new epoch, or refuses one that is another identity''s; the arrays are null when there is nothing to tell.';

-- The one before, which earlier gateways call: it keeps its columns, for what they have prepared.
CREATE OR REPLACE FUNCTION open_session(
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
BEGIN
    SELECT o.present, o.opened_epoch, o.packet_ids, o.message_ids, o.filters, o.granted, o.no_locals, o.retains_as_published,
           o.retain_handlings, o.subscription_identifiers, o.sent, o.last, o.waiting, o.due_wills, o.refused
      INTO present, opened_epoch, packet_ids, message_ids, filters, granted, no_locals, retains_as_published,
           retain_handlings, subscription_identifiers, sent, last, waiting, due_wills, refused
      FROM open_session(a_client_id, a_clean_start, a_protocol, a_expiry_seconds, a_identity, a_node, a_will_delay, a_will_topic,
                        a_will_qos, a_will_retain, a_will_properties, a_will_payload, a_send_quota, a_will_requester, '{}'::text[]) o;
END
$$;
