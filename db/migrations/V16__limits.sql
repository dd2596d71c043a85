-- What a credential says of how much its clients may take, and whose retained messages are.

ALTER TABLE credential ADD COLUMN limits text NOT NULL DEFAULT ''
    CHECK (limits ~ '^([a-z-]+(\.[a-z-]+)?=[0-9]{1,18}(,[a-z-]+(\.[a-z-]+)?=[0-9]{1,18})*)?$' AND octet_length(limits) <= 1024);
COMMENT ON COLUMN credential.limits IS 'Limits of each of its clients, such as messages-in=100,subscriptions=5; with identity. before the name, of all of them together. Empty for none of its own.';

CREATE OR REPLACE FUNCTION credential_json(c credential) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'scheme', c.scheme, 'clientIdPattern', c.client_id_pattern, 'groups', to_jsonb(string_to_array(nullif(c.groups, ''), ',')),
        'limits', CASE WHEN c.limits <> '' THEN ('{"' || replace(replace(c.limits, '=', '":'), ',', ',"') || '}')::jsonb END,
        'validFrom', c.valid_from, 'validUntil', c.valid_until, 'disabled', c.disabled, 'revokedAt', c.revoked_at,
        'secretAt', c.secret_at))
$$;

DROP VIEW v_credential;
CREATE VIEW v_credential AS
SELECT c.username, c.scheme, c.client_id_pattern, c.groups, c.limits, c.valid_from, c.valid_until, c.disabled, c.revoked_at, c.secret_at,
       c.version, c.updated_at, c.updated_by
  FROM credential c
 -- Keeps the view read-only: a view with OFFSET is not updatable.
OFFSET 0;
COMMENT ON VIEW v_credential IS 'Credentials for operators, without their secrets. Read-only.';
COMMENT ON COLUMN v_credential.username IS 'MQTT User Name.';
COMMENT ON COLUMN v_credential.scheme IS 'How the secret is hashed.';
COMMENT ON COLUMN v_credential.client_id_pattern IS 'Client ids that may use it; null for all.';
COMMENT ON COLUMN v_credential.groups IS 'Groups of the user.';
COMMENT ON COLUMN v_credential.valid_from IS 'Not before.';
COMMENT ON COLUMN v_credential.valid_until IS 'Not from then on.';
COMMENT ON COLUMN v_credential.disabled IS 'Whether it is switched off for now.';
COMMENT ON COLUMN v_credential.revoked_at IS 'Since when nobody may use it, until it gets a new secret.';
COMMENT ON COLUMN v_credential.secret_at IS 'When it got its secret.';
COMMENT ON COLUMN v_credential.version IS 'Goes up with each change.';
COMMENT ON COLUMN v_credential.updated_at IS 'When it was changed last.';
COMMENT ON COLUMN v_credential.updated_by IS 'Who changed it last.';
COMMENT ON COLUMN v_credential.limits IS 'Limits of its clients; empty for none of its own.';

ALTER TABLE retained ADD COLUMN identity text COLLATE "C" NOT NULL DEFAULT '';
COMMENT ON COLUMN retained.identity IS 'The authenticated user whose client has published the message; empty for anonymous ones, and where nobody knows.';
CREATE INDEX retained_identity ON retained (identity) WHERE identity <> '' AND octet_length(payload) > 0;

-- As the one before, which earlier gateways call. A will is published by the client that has left it.
CREATE FUNCTION retain(
    a_topics text[], a_qos integer[], a_expires bigint[], a_properties bytea[], a_payloads bytea[], a_stamps bigint[], a_clients text[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    INSERT INTO retained AS r (topic, qos, expires_at, properties, payload, stamp, identity)
    SELECT w.topic, w.qos, to_timestamp(w.expires / 1000.0), w.properties, w.payload, w.stamp,
           coalesce((SELECT s.identity FROM session s WHERE s.client_id = w.client), '')
      FROM unnest(a_topics, a_qos, a_expires, a_properties, a_payloads, a_stamps, a_clients)
           AS w(topic, qos, expires, properties, payload, stamp, client)
     ORDER BY w.topic COLLATE "C"
    ON CONFLICT (left(topic, 400), hashtextextended(topic, 0)) DO UPDATE
       SET topic = excluded.topic, qos = excluded.qos, retained_at = excluded.retained_at, expires_at = excluded.expires_at,
           properties = excluded.properties, payload = excluded.payload, stamp = excluded.stamp, identity = excluded.identity
     WHERE excluded.stamp >= r.stamp
    RETURNING r.stamp;
END
$$;
COMMENT ON FUNCTION retain(text[], integer[], bigint[], bytea[], bytea[], bigint[], text[]) IS
    'Makes messages the retained ones of their topics, with who has published them; an empty payload clears. Answers with the stamps of those that were not older than what was there. Expiry in milliseconds since 1970, null for never.';
