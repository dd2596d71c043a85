-- Tokens of administrators. The account of them is the work of triggers, so that it has an operator's own SQL as well.

CREATE TABLE admin_token (
    name       text        COLLATE "C" PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_.-]{1,100}$'),
    hash       bytea       NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    role       text        NOT NULL CHECK (role IN ('read', 'operate', 'admin')),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text        NOT NULL
);
COMMENT ON TABLE admin_token IS 'Tokens that POST /admin/tokens has made, without the tokens themselves. DELETE withdraws one at once.';
COMMENT ON COLUMN admin_token.name IS 'Who or what has the token: letters, digits, -, _ and dots.';
COMMENT ON COLUMN admin_token.hash IS 'SHA-256 of the token, which has 256 random bits.';
COMMENT ON COLUMN admin_token.role IS 'read, operate or admin; each may do what the ones before it may.';
COMMENT ON COLUMN admin_token.expires_at IS 'Not from then on.';
COMMENT ON COLUMN admin_token.created_at IS 'When it was made; set by a trigger.';
COMMENT ON COLUMN admin_token.created_by IS 'Who did it: the actor that a gateway was told, else the database user; set by a trigger.';

CREATE FUNCTION admin_token_json(t admin_token) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('role', t.role, 'expiresAt', t.expires_at)
$$;
COMMENT ON FUNCTION admin_token_json IS 'A token without its secret, for the account of changes.';

CREATE FUNCTION admin_token_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.created_at := now();
    NEW.created_by := audit_actor();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION admin_token_change IS 'Says of a new token, or a changed one, when and by whom.';

CREATE FUNCTION admin_token_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.name <> OLD.name) THEN
        INSERT INTO audit (actor, action, object, before)
        VALUES (audit_actor(), 'delete', 'admin-token/' || OLD.name, admin_token_json(OLD));
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR NEW.name <> OLD.name) THEN
        INSERT INTO audit (actor, action, object, after)
        VALUES (audit_actor(), 'create', 'admin-token/' || NEW.name, admin_token_json(NEW));
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO audit (actor, action, object, before, after)
        VALUES (audit_actor(), 'change', 'admin-token/' || NEW.name, admin_token_json(OLD), admin_token_json(NEW));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION admin_token_audit IS 'Keeps the account of tokens of administrators.';

CREATE FUNCTION admin_token_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would leave no account of the tokens: use DELETE FROM admin_token';
END
$$;
COMMENT ON FUNCTION admin_token_no_truncate IS 'Refuses what no row trigger sees.';

CREATE TRIGGER admin_token_change BEFORE INSERT OR UPDATE ON admin_token FOR EACH ROW EXECUTE FUNCTION admin_token_change();
CREATE TRIGGER admin_token_audit AFTER INSERT OR UPDATE OR DELETE ON admin_token FOR EACH ROW EXECUTE FUNCTION admin_token_audit();
CREATE TRIGGER admin_token_no_truncate BEFORE TRUNCATE ON admin_token FOR EACH STATEMENT EXECUTE FUNCTION admin_token_no_truncate();

COMMENT ON COLUMN audit.action IS 'create, change or delete; refuse for requests to the admin API that were refused.';

CREATE VIEW v_admin_token AS
SELECT t.name, t.role, t.expires_at, t.created_at, t.created_by
  FROM admin_token t
 -- Keeps the view read-only: a view with OFFSET is not updatable.
OFFSET 0;
COMMENT ON VIEW v_admin_token IS 'Tokens of administrators for operators. Read-only.';
COMMENT ON COLUMN v_admin_token.name IS 'Who or what has the token.';
COMMENT ON COLUMN v_admin_token.role IS 'read, operate or admin.';
COMMENT ON COLUMN v_admin_token.expires_at IS 'Not from then on.';
COMMENT ON COLUMN v_admin_token.created_at IS 'When it was made.';
COMMENT ON COLUMN v_admin_token.created_by IS 'Who made it.';
