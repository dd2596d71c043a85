-- Who may connect with a user name and a secret. As with routes, every change counts, whoever makes it: versions, the account and the
-- notification are the work of triggers.

CREATE TABLE credential_set (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    salt bytea   NOT NULL
);
COMMENT ON TABLE credential_set IS 'One row: what is true of all credentials together. Whoever changes credentials holds its lock.';
COMMENT ON COLUMN credential_set.one IS 'Keeps it at one row.';
COMMENT ON COLUMN credential_set.salt IS 'Secret from which the salts of unknown SCRAM users are made, the same on all gateways.';
-- Random UUIDs come from the system's strong random numbers.
INSERT INTO credential_set (salt)
VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

CREATE SEQUENCE credential_version;
COMMENT ON SEQUENCE credential_version IS 'Versions of credentials; one that is made anew never has an earlier one''s.';

CREATE TABLE credential (
    username          text        COLLATE "C" PRIMARY KEY CHECK (username <> '' AND octet_length(username) <= 1024),
    hash              text        NOT NULL CHECK (octet_length(hash) <= 1024),
    scheme            text        NOT NULL GENERATED ALWAYS AS (CASE
        WHEN hash LIKE '$argon2id$%' THEN 'argon2id'
        WHEN hash ~ '^\$2[aby]\$' THEN 'bcrypt'
        WHEN hash LIKE '$pbkdf2-sha256$%' THEN 'pbkdf2-sha256'
        WHEN hash LIKE '$pbkdf2-sha512$%' THEN 'pbkdf2-sha512'
        WHEN hash LIKE '$token$%' THEN 'token'
        WHEN hash LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
        WHEN hash LIKE 'SCRAM-SHA-512$%' THEN 'scram-sha-512' END) STORED,
    client_id_pattern text        CHECK (octet_length(client_id_pattern) BETWEEN 1 AND 1024),
    groups            text        NOT NULL DEFAULT '' CHECK (groups ~ '^([A-Za-z0-9_.:-]+(,[A-Za-z0-9_.:-]+)*)?$' AND octet_length(groups) <= 4096),
    valid_from        timestamptz,
    valid_until       timestamptz,
    disabled          boolean     NOT NULL DEFAULT false,
    revoked_at        timestamptz,
    secret_at         timestamptz NOT NULL,
    version           bigint      NOT NULL,
    updated_at        timestamptz NOT NULL,
    updated_by        text        NOT NULL,
    CHECK (valid_until > valid_from)
);
COMMENT ON TABLE credential IS 'User names and hashed secrets of clients. May be written by hand: username and hash are enough.';
COMMENT ON COLUMN credential.username IS 'MQTT User Name.';
COMMENT ON COLUMN credential.hash IS 'The hashed secret: $argon2id$..., $2b$..., $pbkdf2-sha256$..., $pbkdf2-sha512$..., $token$..., SCRAM-SHA-256$... or SCRAM-SHA-512$....';
COMMENT ON COLUMN credential.scheme IS 'How the secret is hashed.';
COMMENT ON COLUMN credential.client_id_pattern IS 'Client ids that may use it: * stands for any characters, {username} for the user name. Null for all.';
COMMENT ON COLUMN credential.groups IS 'Groups of the user, with commas between.';
COMMENT ON COLUMN credential.valid_from IS 'Not before; null for always.';
COMMENT ON COLUMN credential.valid_until IS 'Not from then on, when connections end, too; null for ever.';
COMMENT ON COLUMN credential.disabled IS 'Whether it is switched off for now.';
COMMENT ON COLUMN credential.revoked_at IS 'Since when nobody may use it, until it gets a new secret.';
COMMENT ON COLUMN credential.secret_at IS 'When it got its secret; set by a trigger.';
COMMENT ON COLUMN credential.version IS 'Goes up with each change; set by a trigger.';
COMMENT ON COLUMN credential.updated_at IS 'When it was changed last; set by a trigger.';
COMMENT ON COLUMN credential.updated_by IS 'Who did it: the actor that a gateway was told, else the database user; set by a trigger.';

CREATE FUNCTION credential_json(c credential) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'scheme', c.scheme, 'clientIdPattern', c.client_id_pattern, 'groups', to_jsonb(string_to_array(nullif(c.groups, ''), ',')),
        'validFrom', c.valid_from, 'validUntil', c.valid_until, 'disabled', c.disabled, 'revokedAt', c.revoked_at,
        'secretAt', c.secret_at))
$$;
COMMENT ON FUNCTION credential_json IS 'A credential without its secret, for the account of changes.';

-- Before the first row, so that two who change credentials wait for each other in one place; and so that the account has their changes in the
-- order in which they are committed, in which gateways follow it.
CREATE FUNCTION credential_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM credential_set FOR UPDATE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION credential_lock IS 'Makes those who change credentials take turns.';

CREATE FUNCTION credential_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('credential_version');
    NEW.updated_at := now();
    NEW.updated_by := audit_actor();
    IF TG_OP = 'INSERT' OR NEW.hash <> OLD.hash THEN
        NEW.secret_at := now();
    ELSE
        NEW.secret_at := OLD.secret_at;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION credential_change IS 'Gives a changed credential its version.';

CREATE FUNCTION credential_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.username <> OLD.username) THEN
        INSERT INTO audit (actor, action, object, before)
        VALUES (audit_actor(), 'delete', 'credential/' || OLD.username, credential_json(OLD));
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR NEW.username <> OLD.username) THEN
        INSERT INTO audit (actor, action, object, after)
        VALUES (audit_actor(), 'create', 'credential/' || NEW.username, credential_json(NEW));
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO audit (actor, action, object, before, after)
        VALUES (audit_actor(), 'change', 'credential/' || NEW.username, credential_json(OLD), credential_json(NEW));
    END IF;
    -- Without a payload, so that PostgreSQL makes one of those of a transaction: gateways read what has changed in the account.
    PERFORM pg_notify('sluice_credentials', '');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION credential_audit IS 'Keeps the account of changed credentials, and tells the gateways.';

CREATE FUNCTION credential_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would leave no account of the credentials: use DELETE FROM credential';
END
$$;
COMMENT ON FUNCTION credential_no_truncate IS 'Refuses what no row trigger sees.';

CREATE TRIGGER credential_lock BEFORE INSERT OR UPDATE OR DELETE ON credential FOR EACH STATEMENT EXECUTE FUNCTION credential_lock();
CREATE TRIGGER credential_change BEFORE INSERT OR UPDATE ON credential FOR EACH ROW EXECUTE FUNCTION credential_change();
CREATE TRIGGER credential_audit AFTER INSERT OR UPDATE OR DELETE ON credential FOR EACH ROW EXECUTE FUNCTION credential_audit();
CREATE TRIGGER credential_no_truncate BEFORE TRUNCATE ON credential FOR EACH STATEMENT EXECUTE FUNCTION credential_no_truncate();

CREATE VIEW v_credential AS
SELECT c.username, c.scheme, c.client_id_pattern, c.groups, c.valid_from, c.valid_until, c.disabled, c.revoked_at, c.secret_at, c.version,
       c.updated_at, c.updated_by
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
