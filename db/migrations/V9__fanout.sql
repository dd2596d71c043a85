-- A message for very many sessions gets into their queues in several transactions.
CREATE TABLE fanout (
    message_id bigint      PRIMARY KEY,
    session_id bigint      NOT NULL,
    client_id  text        COLLATE "C" NOT NULL,
    packet_id  integer     NOT NULL,
    done_to    text        NOT NULL,
    written_at timestamptz NOT NULL
) WITH (
    fillfactor = 10
);
CREATE INDEX fanout_packet ON fanout (client_id, packet_id) WHERE packet_id > 0;
COMMENT ON TABLE fanout IS 'Messages of which some of the sessions that are owed them have their copies. While a row is here, its message is kept.';
COMMENT ON COLUMN fanout.message_id IS 'Row in message.';
COMMENT ON COLUMN fanout.session_id IS 'session.id of the publisher of a QoS 2 message, 0 for any other message.';
COMMENT ON COLUMN fanout.packet_id IS 'Packet Identifier of a QoS 2 message: when the client sends it again, the rest gets its copies. 0 for any other message.';
COMMENT ON COLUMN fanout.done_to IS 'Copies are made in the order of client ids; this is the last one that has its copy.';
