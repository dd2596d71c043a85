-- A message of a queue is sent under a packet identifier of its place. Where a client has not acknowledged an earlier message with the same
-- one, 65,535 places ago, the message gets another identifier, which a resumed session has to use again.
ALTER TABLE queued ADD COLUMN packet_id integer CHECK (packet_id BETWEEN 1 AND 65535);
COMMENT ON COLUMN queued.packet_id IS 'Packet Identifier, if it is not that of the place, 1 + seq % 65535, because an unacknowledged message has that.';

CREATE OR REPLACE VIEW v_in_flight AS
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
