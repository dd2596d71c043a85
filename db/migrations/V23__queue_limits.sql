-- How much may wait in a session's queue by the limits of its client: whichever gateway puts a message in, and whether or not the client is there.

ALTER TABLE session ADD COLUMN queue_count bigint, ADD COLUMN queue_bytes bigint;
COMMENT ON COLUMN session.queue_count IS 'Messages that its queue may hold by the limits of its client, as they were when it connected last; null for as many as the configuration says.';
COMMENT ON COLUMN session.queue_bytes IS 'The same in bytes.';

COMMENT ON COLUMN received.message_id IS 'mqtt-message-id of its Kafka record, if it has one, a blank, and a checksum of topic and payload (CRC-32C, 8 hexadecimal digits); before V23 the first alone.';
