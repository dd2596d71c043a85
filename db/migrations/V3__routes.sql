-- Routes that change while the gateways run, and the account of who changed what.
--
-- Every change counts, whoever makes it: the version of the set, the account and the notification are the work of triggers, so that an operator's own SQL
-- takes effect, and is told of, like a request to a gateway.

CREATE TABLE route_set (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    version    bigint  NOT NULL,
    changed_in xid8
);
COMMENT ON TABLE route_set IS 'One row: what is true of all stored routes together. Whoever changes routes holds its lock.';
COMMENT ON COLUMN route_set.one IS 'Keeps it at one row.';
COMMENT ON COLUMN route_set.version IS 'Goes up by one with each transaction that changes routes.';
COMMENT ON COLUMN route_set.changed_in IS 'The transaction that raised the version last.';
INSERT INTO route_set (version) VALUES (0);

CREATE TABLE route (
    name       text        COLLATE "C" PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-]{1,255}$'),
    spec       jsonb       NOT NULL CHECK (jsonb_typeof(spec) = 'object'),
    version    bigint      NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text        NOT NULL
);
COMMENT ON TABLE route IS 'Routes besides those of the configuration file, whose namesakes they replace. May be written by hand: name and spec are enough.';
COMMENT ON COLUMN route.name IS 'Name of the route: letters, digits, - and _.';
COMMENT ON COLUMN route.spec IS 'What the configuration file says below sluice.uplink.routes.<name>, as JSON: {"filter": "a/{b}", "kafkaTopic": "t"}.';
COMMENT ON COLUMN route.version IS 'Version of the set that the last change of this route made; set by a trigger.';
COMMENT ON COLUMN route.updated_at IS 'When that was; set by a trigger.';
COMMENT ON COLUMN route.updated_by IS 'Who did it: the actor that a gateway was told, else the database user; set by a trigger.';

CREATE TABLE audit (
    id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    actor  text        NOT NULL,
    action text        NOT NULL,
    object text        COLLATE "C" NOT NULL,
    before jsonb,
    after  jsonb
);
CREATE INDEX audit_object ON audit (object, id);
COMMENT ON TABLE audit IS 'Who changed what. Only ever added to. Read v_audit instead.';
COMMENT ON COLUMN audit.id IS 'Order of the changes of one object; has gaps.';
COMMENT ON COLUMN audit.at IS 'Begin of the transaction that made the change.';
COMMENT ON COLUMN audit.actor IS 'The actor that a gateway was told, else the database user.';
COMMENT ON COLUMN audit.action IS 'create, change or delete.';
COMMENT ON COLUMN audit.object IS 'Kind and name: route/telemetry.';
COMMENT ON COLUMN audit.before IS 'The object before the change; null when it was created.';
COMMENT ON COLUMN audit.after IS 'The object after the change; null when it was deleted.';

CREATE FUNCTION audit_actor() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('sluice.actor', true), ''), session_user::text) $$;
COMMENT ON FUNCTION audit_actor IS 'Who acts in this transaction: SET LOCAL sluice.actor = ''...'', else the database user.';

-- Before the first row, so that two who change routes wait for each other in one place, and never in a circle.
CREATE FUNCTION route_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM route_set FOR UPDATE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION route_lock IS 'Makes those who change routes take turns.';

CREATE FUNCTION route_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    UPDATE route_set SET version = version + 1, changed_in = pg_current_xact_id()
     WHERE changed_in IS DISTINCT FROM pg_current_xact_id();
    SELECT version INTO raised FROM route_set;
    -- Once for each transaction: PostgreSQL folds notifications that are the same.
    PERFORM pg_notify('sluice_routes', raised::text);
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.version := raised;
    NEW.updated_at := now();
    NEW.updated_by := audit_actor();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION route_change IS 'Gives a changed route its version, and tells the gateways.';

CREATE FUNCTION route_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.name <> OLD.name) THEN
        INSERT INTO audit (actor, action, object, before) VALUES (audit_actor(), 'delete', 'route/' || OLD.name, OLD.spec);
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR NEW.name <> OLD.name) THEN
        INSERT INTO audit (actor, action, object, after) VALUES (audit_actor(), 'create', 'route/' || NEW.name, NEW.spec);
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO audit (actor, action, object, before, after)
        VALUES (audit_actor(), 'change', 'route/' || NEW.name, OLD.spec, NEW.spec);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION route_audit IS 'Keeps the account of changed routes.';

CREATE FUNCTION route_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would leave no account of the routes: use DELETE FROM route';
END
$$;
COMMENT ON FUNCTION route_no_truncate IS 'Refuses what no row trigger sees.';

CREATE TRIGGER route_lock BEFORE INSERT OR UPDATE OR DELETE ON route FOR EACH STATEMENT EXECUTE FUNCTION route_lock();
CREATE TRIGGER route_change BEFORE INSERT OR UPDATE OR DELETE ON route FOR EACH ROW EXECUTE FUNCTION route_change();
CREATE TRIGGER route_audit AFTER INSERT OR UPDATE OR DELETE ON route FOR EACH ROW EXECUTE FUNCTION route_audit();
CREATE TRIGGER route_no_truncate BEFORE TRUNCATE ON route FOR EACH STATEMENT EXECUTE FUNCTION route_no_truncate();

CREATE VIEW v_route AS
SELECT r.name,
       r.spec ->> 'filter' AS filter,
       r.spec ->> 'kafkaTopic' AS kafka_topic,
       r.spec,
       r.version,
       r.updated_at,
       r.updated_by
  FROM route r
 -- Keeps the view read-only: a view with OFFSET is not updatable.
OFFSET 0;
COMMENT ON VIEW v_route IS 'Stored routes for operators; those of configuration files are not in PostgreSQL. Read-only.';
COMMENT ON COLUMN v_route.name IS 'Name of the route.';
COMMENT ON COLUMN v_route.filter IS 'Topic Filter with captures; null for a default route without one.';
COMMENT ON COLUMN v_route.kafka_topic IS 'Kafka topic, a template.';
COMMENT ON COLUMN v_route.spec IS 'The whole route.';
COMMENT ON COLUMN v_route.version IS 'Version of the set that its last change made.';
COMMENT ON COLUMN v_route.updated_at IS 'When it was changed last.';
COMMENT ON COLUMN v_route.updated_by IS 'Who changed it last.';

CREATE VIEW v_audit AS
SELECT a.id, a.at, a.actor, a.action, a.object, a.before, a.after
  FROM audit a
OFFSET 0;
COMMENT ON VIEW v_audit IS 'Who changed what, oldest first by id. Read-only.';
COMMENT ON COLUMN v_audit.id IS 'Order of the changes of one object; has gaps.';
COMMENT ON COLUMN v_audit.at IS 'Begin of the transaction that made the change.';
COMMENT ON COLUMN v_audit.actor IS 'The actor that a gateway was told, else the database user.';
COMMENT ON COLUMN v_audit.action IS 'create, change or delete.';
COMMENT ON COLUMN v_audit.object IS 'Kind and name: route/telemetry.';
COMMENT ON COLUMN v_audit.before IS 'The object before the change; null when it was created.';
COMMENT ON COLUMN v_audit.after IS 'The object after the change; null when it was deleted.';
