-- Delivery: subscriptions, queues, retained messages and wills of sessions.
--
-- Who locks what, in this order, so that nobody waits in a circle (a deadlock costs its victim a second):
--   1. session rows: lanes FOR SHARE, as the fence of their own clients; an open, a close and the sweeps exclusively. An open waits for
--      nothing else while it holds one, and sweeps step around what is locked.
--   2. rows that belong to the lane's own clients: received, subscription, queued (as acknowledgements delete it), queue_out.
--   3. queue rows, by whoever puts messages in: in the order of client ids, all in one statement.
--   4. retained rows, in the order of topics, all in one statement.

-- A session has an identity of its own besides its client id, so that ending it is the work of one row however much it holds: what hangs on
-- the identity of an ended session is invisible at once, and swept later.
ALTER TABLE session ADD COLUMN id bigint DEFAULT nextval('session_epoch');
ALTER TABLE session ALTER COLUMN id SET NOT NULL;
CREATE UNIQUE INDEX session_id ON session (id);
COMMENT ON COLUMN session.id IS 'Identity of the session from its begin to its end; the epoch of the open that began it. Never used twice.';

-- A message that no route takes has none.
ALTER TABLE received ALTER COLUMN message_id DROP NOT NULL;

CREATE TABLE subscription (
    session_id          bigint      NOT NULL,
    filter              text        COLLATE "C" NOT NULL,
    qos                 smallint    NOT NULL CHECK (qos BETWEEN 0 AND 2),
    no_local            boolean     NOT NULL,
    retain_as_published boolean     NOT NULL,
    retain_handling     smallint    NOT NULL CHECK (retain_handling BETWEEN 0 AND 2),
    identifier          integer     NOT NULL CHECK (identifier BETWEEN 0 AND 268435455),
    subscribed_at       timestamptz NOT NULL DEFAULT now()
);
-- A filter may have 65,535 bytes and an index entry 2,704: of longer ones the hash tells those apart that begin alike.
CREATE UNIQUE INDEX subscription_filter ON subscription (session_id, left(filter, 400), hashtextextended(filter, 0));
COMMENT ON TABLE subscription IS 'Subscriptions of sessions that outlive their connection. Read v_subscription instead.';
COMMENT ON COLUMN subscription.session_id IS 'session.id; a session that is gone may still have rows here until the sweep.';
COMMENT ON COLUMN subscription.filter IS 'Topic Filter as sent, with the prefix of a Shared Subscription.';
COMMENT ON COLUMN subscription.qos IS 'Granted.';
COMMENT ON COLUMN subscription.retain_handling IS '0 retained messages are sent, 1 only for a new subscription, 2 never.';
COMMENT ON COLUMN subscription.identifier IS 'Subscription Identifier, 0 for none.';
COMMENT ON COLUMN subscription.subscribed_at IS 'When the client subscribed first.';

-- A queue's counters are two rows: one is written by whoever puts messages in, the other by the subscriber's lane alone. So acknowledgements
-- never wait for publishers, and publishers only for each other.
CREATE TABLE queue (
    session_id bigint PRIMARY KEY,
    last_seq   bigint NOT NULL DEFAULT 0,
    count_in   bigint NOT NULL DEFAULT 0,
    bytes_in   bigint NOT NULL DEFAULT 0
) WITH (
    -- Rewritten by every batch that has a message for the session; versions stay in the page (HOT), and are few, if there is room.
    fillfactor = 40,
    autovacuum_vacuum_scale_factor = 0.02
);
COMMENT ON TABLE queue IS 'Queues of sessions that outlive their connection, as those see them that put messages in. Read v_queue_depth instead.';
COMMENT ON COLUMN queue.last_seq IS 'Place of the last message that was put in.';
COMMENT ON COLUMN queue.count_in IS 'Messages put in since the session began, less those that newer ones pushed out.';
COMMENT ON COLUMN queue.bytes_in IS 'The same in bytes.';

CREATE TABLE queue_out (
    session_id bigint PRIMARY KEY,
    count_out  bigint NOT NULL DEFAULT 0,
    bytes_out  bigint NOT NULL DEFAULT 0,
    sent_seq   bigint NOT NULL DEFAULT 0
) WITH (
    fillfactor = 40,
    autovacuum_vacuum_scale_factor = 0.02
);
COMMENT ON TABLE queue_out IS 'The same queues, as the subscriber sees them.';
COMMENT ON COLUMN queue_out.count_out IS 'Messages acknowledged or expired since the session began.';
COMMENT ON COLUMN queue_out.bytes_out IS 'The same in bytes.';
COMMENT ON COLUMN queue_out.sent_seq IS 'Messages up to this place may have been sent: those beyond certainly were not, unless the session is connected.';

CREATE SEQUENCE message_block AS bigint CACHE 1 NO CYCLE;
COMMENT ON SEQUENCE message_block IS 'Numbers of messages, handed out to the lanes in blocks.';

CREATE TABLE message (
    id         bigint PRIMARY KEY,
    topic      text   NOT NULL,
    properties bytea,
    payload    bytea  NOT NULL
);
-- Out of line, but not compressed: it lives for a short time, and compressing costs more than the room.
ALTER TABLE message ALTER COLUMN payload SET STORAGE EXTERNAL;
COMMENT ON TABLE message IS 'Messages that several sessions are owed: stored once.';
COMMENT ON COLUMN message.properties IS 'MQTT 5 properties as on the wire, null for none.';

CREATE TABLE queued (
    session_id     bigint      NOT NULL,
    seq            bigint      NOT NULL,
    message_id     bigint,
    queued_at      timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz,
    bytes          integer     NOT NULL,
    qos            smallint    NOT NULL CHECK (qos BETWEEN 1 AND 2),
    message_qos    smallint    NOT NULL,
    retain         boolean     NOT NULL,
    message_retain boolean     NOT NULL,
    received       boolean     NOT NULL DEFAULT false,
    identifiers    integer[],
    share          text,
    topic          text,
    properties     bytea,
    payload        bytea,
    PRIMARY KEY (session_id, seq),
    CHECK ((message_id IS NULL) = (topic IS NOT NULL AND payload IS NOT NULL))
) WITH (
    -- Rows live from PUBLISH to PUBACK: a small table with a large turnover, unless many are offline.
    autovacuum_vacuum_scale_factor = 0.02
);
ALTER TABLE queued ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX queued_message ON queued (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX queued_due ON queued (expires_at, session_id, seq) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE queued IS 'Messages that sessions are owed. One that a single session is owed is here whole, without a row in message.';
COMMENT ON COLUMN queued.session_id IS 'session.id; a session that is gone may still have rows here until the sweep.';
COMMENT ON COLUMN queued.seq IS 'Place in the queue. The Packet Identifier is 1 + seq % 65535.';
COMMENT ON COLUMN queued.message_id IS 'Row in message with topic, properties and payload, which are then null here.';
COMMENT ON COLUMN queued.bytes IS 'What it counts for in the bound of the queue.';
COMMENT ON COLUMN queued.qos IS 'QoS that the subscriber gets it with.';
COMMENT ON COLUMN queued.message_qos IS 'QoS that it was published with.';
COMMENT ON COLUMN queued.retain IS 'RETAIN flag that the subscriber gets.';
COMMENT ON COLUMN queued.message_retain IS 'RETAIN flag that it was published with.';
COMMENT ON COLUMN queued.received IS 'Whether the subscriber has answered PUBREC, and PUBREL is due [MQTT-4.3.3-6].';
COMMENT ON COLUMN queued.identifiers IS 'Subscription Identifiers of the subscriptions that match.';
COMMENT ON COLUMN queued.share IS 'Filter of the Shared Subscription that chose this session.';

-- A worklist, so that finding what ended sessions left needs no search.
CREATE TABLE ended_session (
    id bigint PRIMARY KEY
);
COMMENT ON TABLE ended_session IS 'Identities of ended sessions whose queue and subscriptions are yet to be swept.';

CREATE TABLE retained (
    topic       text        COLLATE "C" NOT NULL,
    qos         smallint    NOT NULL CHECK (qos BETWEEN 0 AND 2),
    retained_at timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    properties  bytea,
    payload     bytea       NOT NULL
) WITH (
    fillfactor = 80
);
-- Also finds the topics that begin with the literal levels of a filter: the order is that of bytes.
CREATE UNIQUE INDEX retained_topic ON retained (left(topic, 400), hashtextextended(topic, 0));
CREATE INDEX retained_due ON retained (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE retained IS 'Retained messages, one for each topic.';

CREATE TABLE will (
    id            bigint      PRIMARY KEY DEFAULT nextval('session_epoch'),
    client_id     text        NOT NULL,
    delay_seconds bigint      NOT NULL,
    due_at        timestamptz,
    leased_until  timestamptz,
    leased_by     text,
    topic         text        NOT NULL,
    qos           smallint    NOT NULL CHECK (qos BETWEEN 0 AND 2),
    retain        boolean     NOT NULL,
    properties    bytea,
    payload       bytea       NOT NULL
);
CREATE INDEX will_client ON will (client_id);
CREATE INDEX will_due ON will (due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE will IS 'Wills of connected clients, and those that are to be published. A will outlives its session until it is published.';
COMMENT ON COLUMN will.id IS 'From the sequence of epochs: the record that it makes in Kafka is numbered like the first of a connection.';
COMMENT ON COLUMN will.delay_seconds IS 'Will Delay Interval.';
COMMENT ON COLUMN will.due_at IS 'When to publish it; null while its connection is open.';
COMMENT ON COLUMN will.leased_by IS 'That gateway; what it had leased when it was killed is free again when it is back.';
COMMENT ON COLUMN will.leased_until IS 'A gateway is publishing it; if it has not deleted it by then, another one may.';

CREATE TABLE lane (
    id         bigint      PRIMARY KEY,
    node       text        NOT NULL,
    batch      bigint      NOT NULL,
    written_at timestamptz NOT NULL
) WITH (
    fillfactor = 10
);
COMMENT ON TABLE lane IS 'The last batch that each journal lane committed: how a lane whose connection broke during a commit learns what became of it.';

-- Whatever ends a session, an operator's DELETE included: what it holds is worked off, and its will is due [MQTT-3.1.2-8].
CREATE FUNCTION session_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ended_session
    SELECT g.id FROM gone g WHERE EXISTS (SELECT FROM queue q WHERE q.session_id = g.id);
    UPDATE will w SET due_at = now()
      FROM gone g WHERE w.client_id = g.client_id AND (w.due_at IS NULL OR w.due_at > now());
    RETURN NULL;
END
$$;
CREATE TRIGGER session_ended AFTER DELETE ON session REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION session_ended();

INSERT INTO queue (session_id) SELECT id FROM session WHERE expiry_seconds > 0;
INSERT INTO queue_out (session_id) SELECT id FROM session WHERE expiry_seconds > 0;

-- Opens or resumes a session. Each statement has its own snapshot: an open that waited for the row sees what the journal committed meanwhile.
-- A row whose expiry was 0 is never resumed, even if it says connected: that session ended with its connection, and only its gateway had no
-- time to say so. A connected row with a longer expiry is resumed: take-over, or the gateway was killed.
DROP FUNCTION open_session(text, boolean, smallint, bigint, text, text);
CREATE FUNCTION open_session(
    a_client_id text, a_clean_start boolean, a_protocol smallint, a_expiry_seconds bigint, a_username text, a_node text,
    a_will_delay bigint DEFAULT NULL, a_will_topic text DEFAULT NULL, a_will_qos smallint DEFAULT NULL,
    a_will_retain boolean DEFAULT NULL, a_will_properties bytea DEFAULT NULL, a_will_payload bytea DEFAULT NULL,
    OUT present boolean, OUT opened_epoch bigint, OUT packet_ids integer[], OUT message_ids text[],
    OUT filters text[], OUT granted smallint[], OUT no_locals boolean[], OUT retains_as_published boolean[],
    OUT retain_handlings smallint[], OUT subscription_identifiers integer[],
    OUT sent bigint, OUT last bigint, OUT waiting boolean
) LANGUAGE plpgsql AS $$
DECLARE
    earlier session;
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
            (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, username, created_at, connected_at)
        VALUES
            (opened_epoch, a_client_id, opened_epoch, a_node, true, false, a_protocol, a_expiry_seconds, a_username, now(), now())
        ON CONFLICT (client_id) DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;

    IF present THEN
        opened_epoch := nextval('session_epoch');
        UPDATE session s
           SET epoch = opened_epoch, node = a_node, connected = true, resumed = true, protocol = a_protocol,
               expiry_seconds = a_expiry_seconds, username = a_username, connected_at = now(), disconnected_at = NULL, expires_at = NULL
         WHERE s.client_id = a_client_id;

        SELECT array_agg(r.packet_id ORDER BY r.packet_id), array_agg(r.message_id ORDER BY r.packet_id)
          INTO packet_ids, message_ids
          FROM received r WHERE r.client_id = a_client_id;
        SELECT array_agg(b.filter), array_agg(b.qos), array_agg(b.no_local), array_agg(b.retain_as_published),
               array_agg(b.retain_handling), array_agg(b.identifier)
          INTO filters, granted, no_locals, retains_as_published, retain_handlings, subscription_identifiers
          FROM subscription b WHERE b.session_id = earlier.id;

        SELECT q.last_seq INTO last FROM queue q WHERE q.session_id = earlier.id;
        -- Nobody said what the connection that was there until now has sent: it may be everything.
        UPDATE queue_out o SET sent_seq = last WHERE o.session_id = earlier.id AND earlier.connected;
        SELECT o.sent_seq INTO sent FROM queue_out o WHERE o.session_id = earlier.id;
        waiting := EXISTS (SELECT FROM queued r WHERE r.session_id = earlier.id);

        -- The client is back within the delay: its will is not published [MQTT-3.1.3-9]. One without a delay is due with the end of
        -- its connection, also when the cause is this one [MQTT-3.1.4-3].
        DELETE FROM will w WHERE w.client_id = a_client_id AND w.delay_seconds > 0 AND (w.due_at IS NULL OR w.due_at > now());
        UPDATE will w SET due_at = now() WHERE w.client_id = a_client_id AND w.due_at IS NULL;
    ELSIF a_expiry_seconds > 0 THEN
        INSERT INTO queue (session_id) VALUES (opened_epoch);
        INSERT INTO queue_out (session_id) VALUES (opened_epoch);
    END IF;

    IF a_will_topic IS NOT NULL THEN
        INSERT INTO will (client_id, delay_seconds, topic, qos, retain, properties, payload)
        VALUES (a_client_id, a_will_delay, a_will_topic, a_will_qos, a_will_retain, a_will_properties, a_will_payload);
    END IF;
END
$$;
COMMENT ON FUNCTION open_session IS 'Opens or resumes a session under a new epoch; the arrays are null when there is nothing to tell.';

CREATE VIEW v_subscription AS
SELECT s.client_id,
       b.filter,
       CASE WHEN starts_with(b.filter, '$share/') THEN split_part(b.filter, '/', 2) END AS share_name,
       b.qos,
       b.no_local,
       b.retain_as_published,
       b.retain_handling,
       nullif(b.identifier, 0) AS identifier,
       b.subscribed_at
  FROM session s JOIN subscription b ON b.session_id = s.id
OFFSET 0;
COMMENT ON VIEW v_subscription IS 'Subscriptions of sessions that outlive their connection, for operators. Read-only.';
COMMENT ON COLUMN v_subscription.client_id IS 'MQTT Client Identifier.';
COMMENT ON COLUMN v_subscription.filter IS 'Topic Filter as sent, with the prefix of a Shared Subscription.';
COMMENT ON COLUMN v_subscription.share_name IS 'Share name of a Shared Subscription.';
COMMENT ON COLUMN v_subscription.qos IS 'Granted QoS.';
COMMENT ON COLUMN v_subscription.no_local IS 'Whether the client does not get what it publishes itself.';
COMMENT ON COLUMN v_subscription.retain_as_published IS 'Whether the RETAIN flag is forwarded as published.';
COMMENT ON COLUMN v_subscription.retain_handling IS '0 retained messages are sent, 1 only for a new subscription, 2 never.';
COMMENT ON COLUMN v_subscription.identifier IS 'Subscription Identifier.';
COMMENT ON COLUMN v_subscription.subscribed_at IS 'When the client subscribed first.';

CREATE VIEW v_queue_depth AS
SELECT s.client_id,
       s.connected,
       q.count_in - o.count_out AS messages,
       q.bytes_in - o.bytes_out AS bytes,
       now() - (SELECT r.queued_at FROM queued r WHERE r.session_id = s.id ORDER BY r.seq LIMIT 1) AS oldest,
       q.last_seq
  FROM session s JOIN queue q ON q.session_id = s.id JOIN queue_out o ON o.session_id = s.id
OFFSET 0;
COMMENT ON VIEW v_queue_depth IS 'How much waits for each session that outlives its connection, for operators. Read-only.';
COMMENT ON COLUMN v_queue_depth.client_id IS 'MQTT Client Identifier.';
COMMENT ON COLUMN v_queue_depth.connected IS 'Whether a connection holds the session.';
COMMENT ON COLUMN v_queue_depth.messages IS 'Messages that wait or are not acknowledged.';
COMMENT ON COLUMN v_queue_depth.bytes IS 'Their bytes, as the bound of the queue counts them.';
COMMENT ON COLUMN v_queue_depth.oldest IS 'Age of the first of them.';
COMMENT ON COLUMN v_queue_depth.last_seq IS 'Messages queued since the session began.';

CREATE VIEW v_in_flight AS
SELECT s.client_id,
       r.seq,
       1 + r.seq % 65535 AS packet_id,
       r.qos,
       CASE WHEN r.received THEN 'received' ELSE 'sent' END AS state,
       coalesce(r.topic, m.topic) AS topic,
       r.queued_at
  FROM session s
  JOIN queue_out o ON o.session_id = s.id
  JOIN queued r ON r.session_id = s.id AND (r.received OR r.seq <= o.sent_seq)
  LEFT JOIN message m ON m.id = r.message_id
OFFSET 0;
COMMENT ON VIEW v_in_flight IS 'Messages sent to subscribers and not acknowledged, as far as written: a send is told with the next acknowledgement. Read-only.';
COMMENT ON COLUMN v_in_flight.client_id IS 'MQTT Client Identifier of the subscriber.';
COMMENT ON COLUMN v_in_flight.seq IS 'Place in the queue.';
COMMENT ON COLUMN v_in_flight.packet_id IS 'Packet Identifier.';
COMMENT ON COLUMN v_in_flight.qos IS 'QoS that the subscriber gets it with.';
COMMENT ON COLUMN v_in_flight.state IS 'sent: PUBACK or PUBREC is due; received: the client has it, PUBCOMP is due.';
COMMENT ON COLUMN v_in_flight.topic IS 'Topic Name.';
COMMENT ON COLUMN v_in_flight.queued_at IS 'When it was queued.';
