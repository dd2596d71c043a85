-- Client ids, and names of nodes, are compared byte by byte, as filters and topics are: the order of another collation changes with the
-- system's libraries, and an index that was built before finds nothing then. The views that show them have to go meanwhile.

DROP VIEW v_session, v_subscription, v_queue_depth, v_in_flight;
ALTER TABLE session ALTER COLUMN client_id TYPE text COLLATE "C", ALTER COLUMN node TYPE text COLLATE "C";
ALTER TABLE received ALTER COLUMN client_id TYPE text COLLATE "C";
ALTER TABLE will ALTER COLUMN client_id TYPE text COLLATE "C";

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
       coalesce(r.packet_id, 1 + r.seq % 65535) AS packet_id,
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
