-- Retained messages: which of two is the newer one, one place that writes them, and how far a session has been given what it is owed of them.

ALTER TABLE retained ADD COLUMN stamp bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN retained.stamp IS 'When a gateway received the message, microseconds since 1970; never the same twice in one gateway. An older message does not replace a newer one.';
COMMENT ON COLUMN retained.payload IS 'Without a byte: the retained message was cleared. The row stays for a while, so that an older message that is written late does not come back.';

-- The sweep finds rows of cleared messages without a search.
CREATE INDEX retained_cleared ON retained (retained_at) WHERE octet_length(payload) = 0;

-- Arrays of the same length, at most one message for each topic. In the order of topics, whether set or cleared, so that nobody waits in a circle.
CREATE FUNCTION retain(
    a_topics text[], a_qos integer[], a_expires bigint[], a_properties bytea[], a_payloads bytea[], a_stamps bigint[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    INSERT INTO retained AS r (topic, qos, expires_at, properties, payload, stamp)
    SELECT w.topic, w.qos, to_timestamp(w.expires / 1000.0), w.properties, w.payload, w.stamp
      FROM unnest(a_topics, a_qos, a_expires, a_properties, a_payloads, a_stamps)
           AS w(topic, qos, expires, properties, payload, stamp)
     ORDER BY w.topic COLLATE "C"
    ON CONFLICT (left(topic, 400), hashtextextended(topic, 0)) DO UPDATE
       SET topic = excluded.topic, qos = excluded.qos, retained_at = excluded.retained_at, expires_at = excluded.expires_at,
           properties = excluded.properties, payload = excluded.payload, stamp = excluded.stamp
     WHERE excluded.stamp >= r.stamp
    RETURNING r.stamp;
END
$$;
COMMENT ON FUNCTION retain IS 'Makes messages the retained ones of their topics; an empty payload clears. Answers with the stamps of those that were not older than what was there. Expiry in milliseconds since 1970, null for never.';

ALTER TABLE subscription
    ADD COLUMN retained_since bigint,
    ADD COLUMN retained_after text COLLATE "C";
CREATE INDEX subscription_retained ON subscription (session_id) WHERE retained_since IS NOT NULL;
COMMENT ON COLUMN subscription.retained_since IS 'Retained messages up to this stamp are owed to the subscription; null when it has been given all of them.';
COMMENT ON COLUMN subscription.retained_after IS 'Those of topics up to this one, in the order of their bytes, it has been given; null for none.';
